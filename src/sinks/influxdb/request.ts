import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { errorText, FettleError } from '../../core/errors.ts';
import { type Verdict, verdictOf } from './answer.ts';
import type { InfluxdbConfig } from './config.ts';

const compress = promisify(gzip);
/** Below this a packet is a packet. */
const worthCompressingBytes = 1000;
/** 5,000 sample lines (410 kB): level 1 11.2 % in 0.8 ms, 3 8.8 % in 1.7 ms, 6 8.5 % in 3.9 ms. */
const compressionLevel = 3;
const answerBytesRead = 65_536;

/** One `POST /write` over a kept-alive connection, and what the answer means. Rejects only with the signal's reason. */
export class WriteRequest {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #gzip: boolean;
  readonly #timeoutMs: number;
  /** Scheme and host, for messages. */
  readonly where: string;

  constructor(config: InfluxdbConfig) {
    const base = new URL(config.url);
    const path = `${base.pathname.replace(/\/$/, '')}/write`;
    this.#url = `${base.origin}${path}?${new URLSearchParams({ db: config.database, precision: 'ns' })}`;
    this.where = base.origin;
    this.#headers = { 'content-type': 'text/plain; charset=utf-8', ...authorization(config, base) };
    this.#gzip = config.gzip === 'auto' ? !isLoopback(base.hostname) : config.gzip;
    this.#timeoutMs = config.timeout;
  }

  async send(body: Buffer, signal: AbortSignal): Promise<Verdict> {
    signal.throwIfAborted();
    const zipped = this.#gzip && body.length > worthCompressingBytes;
    const bytes = zipped ? await compress(body, { level: compressionLevel }) : body;
    // By hand, not AbortSignal.any: that would hang one more listener a request on a signal that lives for days.
    const ours = new AbortController();
    const onAbort = () => ours.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      ours.abort();
    }, this.#timeoutMs);
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: zipped ? { ...this.#headers, 'content-encoding': 'gzip' } : this.#headers,
        body: bytes as Uint8Array<ArrayBuffer>,
        signal: ours.signal,
        // A followed redirect becomes a GET, whose answer says nothing of our points.
        redirect: 'manual',
      });
      return verdictOf(response.status, response.headers, await shortText(response), this.where);
    } catch (error) {
      signal.throwIfAborted();
      return timedOut ? tooSlow(this.where, this.#timeoutMs) : unreachable(this.where, error);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }
}

type Failed = Extract<Verdict, { kind: 'failed' }>;

function tooSlow(where: string, timeoutMs: number): Failed {
  const hint = 'The receiver or the link is slow; the points stay here and are sent in smaller requests.';
  return {
    kind: 'failed',
    shrink: true,
    error: new FettleError('FETTLE_INFLUXDB_UNREACHABLE', `${where} did not answer within ${timeoutMs} ms`, { hint }),
  };
}

/** Some servers close the connection on a body that is too large instead of saying 413. */
const closedWhileSending = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

function unreachable(where: string, error: unknown): Failed {
  const hint = 'Check that it runs and that the network leads there; the points stay here until then.';
  const code = ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code ?? '';
  return {
    kind: 'failed',
    shrink: closedWhileSending.has(code),
    error: new FettleError('FETTLE_INFLUXDB_UNREACHABLE', `${where} cannot be reached: ${errorText(error)}`, { cause: error, hint }),
  };
}

function authorization(config: InfluxdbConfig, base: URL): Record<string, string> {
  if (config.token) return { authorization: `Token ${config.token.reveal()}` };
  const username = config.username ?? decodeURIComponent(base.username);
  const password = config.password?.reveal() ?? decodeURIComponent(base.password);
  return username === '' ? {} : { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}

const isLoopback = (hostname: string): boolean => hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');

/** The beginning of an answer: a hostile receiver must not fill the memory. */
async function shortText(response: Response): Promise<string> {
  if (response.body === null) return '';
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > answerBytesRead) break;
  }
  return text;
}
