import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createInterface } from 'node:readline';
import { Backoff } from '../core/backoff.ts';
import { sleep } from '../core/clock.ts';
import { type ErrorCode, errorCodes, errorText, FettleError } from '../core/errors.ts';

/** Where a gateway is, and who asks. */
export interface GatewayAddress {
  /** http://gateway.plant:7171 */
  readonly url: string;
  /** API token; none where nobody is asked for one. */
  readonly token?: string | undefined;
  /** PEM of the certificate, or of the authority, that is trusted beside the usual ones: what `tls: auto` made. */
  readonly ca?: string | undefined;
}

/** One server-sent event. */
export interface GatewayEvent {
  readonly event: string;
  readonly data: unknown;
}

export interface FollowOptions {
  /** alarm, score, scores, learning, tags, status. */
  readonly events: readonly string[];
  /** Of which assets; all where empty. */
  readonly assets?: readonly string[];
  /** Where an earlier listener ended: alarms behind it come first. */
  readonly lastEventId?: number | undefined;
}

export interface FollowListener {
  /** Awaited before the next event is read. An alarm counts as seen when it resolves. */
  event(event: GatewayEvent): void | Promise<void>;
  /** The connection stands, or does not: then with the reason. */
  link(up: boolean, error?: FettleError): void;
  /** The place in the stream that has been reached, for `lastEventId` of another day. */
  place?(id: number): void;
}

const patienceMs = 30_000;
/** The gateway says something at least every 15 s. */
const silenceMs = 40_000;
const largestAnswer = 16_000_000;

/** The HTTP API of a gateway, as programs use it. Needs nothing but Node. */
export class GatewayClient {
  readonly #address: GatewayAddress;

  constructor(address: GatewayAddress) {
    this.#address = address;
  }

  /** Throws FETTLE_API_UNREACHABLE, and where the gateway refuses, the error it names, with its words. */
  async ask<Answer>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object, signal?: AbortSignal): Promise<Answer> {
    const limit = AbortSignal.timeout(patienceMs);
    const response = await this.#send(method, path, signal === undefined ? limit : AbortSignal.any([signal, limit]), body);
    return (await readAnswer(response)) as Answer;
  }

  /** Live events until `signal` aborts, over as many connections as it takes. Alarms are told once each and in order, those of a pause too. */
  async follow(options: FollowOptions, listener: FollowListener, signal: AbortSignal): Promise<void> {
    const backoff = new Backoff({ baseMs: 500, maxMs: 15_000 });
    let place = options.lastEventId;
    const reached = (id: number): void => {
      place = id;
      backoff.reset();
      listener.place?.(id);
    };
    while (!signal.aborted) {
      try {
        await this.#listen({ ...options, lastEventId: place }, { ...bound(listener), place: reached }, signal);
        if (!signal.aborted) listener.link(false, unreachable(this.#address.url, 'it closed the stream'));
      } catch (error) {
        if (signal.aborted) return;
        listener.link(false, error instanceof FettleError ? error : unreachable(this.#address.url, errorText(error), error));
      }
      await sleep(backoff.next(), signal).catch(() => {});
    }
  }

  async #listen(options: FollowOptions, listener: FollowListener, signal: AbortSignal): Promise<void> {
    const query = new URLSearchParams({ events: options.events.join(',') });
    if (options.assets !== undefined && options.assets.length > 0) query.set('assets', options.assets.join(','));
    if (options.lastEventId !== undefined) query.set('lastEventId', String(options.lastEventId));
    const response = await this.#send('GET', `/api/v1/events?${query}`, signal);
    if (response.statusCode !== 200) await readAnswer(response);
    const onSilence = (): void => void response.destroy(unreachable(this.#address.url, `nothing heard for ${silenceMs / 1000} s`));
    response.setTimeout(silenceMs, onSilence);
    const failed = new Promise<never>((_, reject) => response.once('error', reject));
    failed.catch(() => {});
    listener.link(true);
    // Fields of the event that is being read (WHATWG HTML, 9.2.6); the gateway writes each in one line.
    let event = 'message';
    let data = '';
    let id: number | undefined;
    const read = async (): Promise<void> => {
      for await (const line of createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY })) {
        if (line === '') {
          if (data !== '' && event !== 'hello') await listener.event({ event, data: JSON.parse(data) });
          if (id !== undefined) listener.place?.(id);
          [event, data, id] = ['message', '', undefined];
        } else if (line.startsWith('event: ')) event = line.slice(7);
        else if (line.startsWith('data: ')) data = line.slice(6);
        else if (line.startsWith('id: ')) id = Number(line.slice(4));
      }
    };
    try {
      await Promise.race([read(), failed]);
    } finally {
      response.destroy();
    }
  }

  #send(method: string, path: string, signal: AbortSignal, body?: object): Promise<IncomingMessage> {
    const { url, token, ca } = this.#address;
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void =>
        reject(signal.aborted && signal.reason?.name !== 'TimeoutError' ? signal.reason : unreachable(url, errorText(error), error));
      let sent: ClientRequest;
      try {
        const target = new URL(path, url.endsWith('/') ? url : `${url}/`);
        const text = body === undefined ? undefined : JSON.stringify(body);
        const headers = {
          accept: 'application/json, text/event-stream',
          ...(token !== undefined && token !== '' && { authorization: `Bearer ${token}` }),
          ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
        };
        sent =
          target.protocol === 'https:'
            ? httpsRequest(target, { method, headers, signal, ...(ca !== undefined && ca !== '' && { ca }) })
            : httpRequest(target, { method, headers, signal });
        sent.once('response', resolve);
        sent.once('error', fail);
        sent.end(text);
      } catch (error) {
        fail(error);
      }
    });
  }
}

const bound = (listener: FollowListener): FollowListener => ({
  event: (event) => listener.event(event),
  link: (up, error) => listener.link(up, error),
});

const unreachable = (url: string, why: string, cause?: unknown): FettleError =>
  new FettleError('FETTLE_API_UNREACHABLE', `the gateway at ${url} does not answer: ${why}`, {
    cause,
    hint: 'check the address, that the gateway runs, and that its server listens for other machines (server.listen)',
  });

/** Throws what the gateway refused, by its own code. */
async function readAnswer(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestAnswer) throw new FettleError('FETTLE_API_REQUEST', `the answer is larger than ${largestAnswer} bytes`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString();
  const { statusCode = 0 } = response;
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new FettleError('FETTLE_API_REQUEST', `the answer (${statusCode}) is not that of a gateway: ${text.slice(0, 200)}`, {
      hint: 'check the address',
    });
  }
  if (statusCode >= 200 && statusCode < 300) return answer;
  const { code, detail, hint } = answer as { code?: string; detail?: string; hint?: string };
  throw new FettleError(isCode(code) ? code : 'FETTLE_API_REQUEST', detail ?? `the gateway answered ${statusCode}`, {
    ...(hint !== undefined && { hint }),
  });
}

const isCode = (code: string | undefined): code is ErrorCode => code !== undefined && code in errorCodes;
