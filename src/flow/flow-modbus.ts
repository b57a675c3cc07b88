import { parseRegisterList, type RegisterList } from '../commissioning/register-list.ts';
import { systemClock } from '../core/clock.ts';
import { FettleError } from '../core/errors.ts';
import { Interner } from '../core/interner.ts';
import { silentLogger } from '../core/logger.ts';
import { quality, qualityText, severityOf } from '../core/quality.ts';
import type { Source, SourceStatus, SourceUnitStatus } from '../core/source.ts';
import { modbusSource } from '../sources/modbus/index.ts';
import { parsedFlow } from './plan-flow.ts';

export interface FlowModbusOptions {
  /** The source as in fettle.yaml, without id and type: url, unit, timeout, tags … Sources with the same url share one connection and one queue. */
  readonly source: { readonly url: string; readonly tags: readonly object[] };
}

/** A sample of a poll; a bad one says why. */
export interface PolledSample {
  readonly tag: string;
  /** Null where it is bad; a text of a string register. */
  readonly value: number | string | null;
  /** ms since the epoch: the middle of request and reply. */
  readonly time: number;
  readonly quality: 'good' | 'uncertain' | 'bad';
  readonly reason?: string;
}

/** How the device fares, in words. */
export interface FlowModbusStatus {
  readonly state: SourceStatus['state'];
  readonly problem: string | undefined;
}

const mostTags = 10_000;
const mostTexts = 1_000;
const firstCycleMs = 10_000;

/** Modbus → samples, by the planned reads of the gateway's own source: one report a cycle, with every tag in it, good or bad. It only reads, ever. */
export class FlowModbus {
  readonly #source: Source;
  readonly #texts = new Interner(mostTexts);
  readonly #textTags: ReadonlySet<string>;
  readonly #tags: Interner;
  readonly #cycle: (samples: PolledSample[]) => void;
  readonly #closed = new AbortController();
  #pending = new Map<string, PolledSample>();

  /** Throws FETTLE_CONFIG_INVALID with everything that is wrong. */
  constructor({ source }: FlowModbusOptions, cycle: (samples: PolledSample[]) => void) {
    const document = { site: 'flow', sources: [{ ...source, id: 'modbus', type: 'modbus' }] };
    const [config] = parsedFlow(document, 'sources[0]').config.sources;
    if (config?.type !== 'modbus') throw new FettleError('FETTLE_CONFIG_INVALID', 'there is nothing to read');
    this.#cycle = cycle;
    this.#tags = new Interner(
      mostTags,
      config.tags.map(({ tag }) => tag),
    );
    this.#textTags = new Set(config.tags.filter(({ type }) => type === 'string').map(({ tag }) => tag));
    this.#source = modbusSource.create(config, {
      id: 'modbus',
      site: 'flow',
      tags: this.#tags,
      texts: this.#texts,
      clock: systemClock,
      log: silentLogger,
      inlet: {
        append: (tag, timeMs, value, code) => this.#append(tag, timeMs, value, code),
        mark: () => 0,
        redelivered: () => {},
        endOfBurst: () => this.#burst(),
        full: false,
        setConnected: () => {},
      },
    });
  }

  /** Polls until `close`; connects and reconnects by itself. */
  async start(): Promise<void> {
    await this.#source.start(this.#closed.signal);
  }

  status(): FlowModbusStatus {
    const { state, units } = this.#source.status();
    const failed = units.find((unit: SourceUnitStatus) => unit.lastError !== undefined && unit.state !== 'good');
    if (failed === undefined) return { state, problem: undefined };
    return { state, problem: `${failed.lastError}${failed.hint === undefined ? '' : ` → ${failed.hint}`}` };
  }

  async close(): Promise<void> {
    this.#closed.abort(new Error('closed'));
    await this.#source.stop();
  }

  #append(index: number, timeMs: number, value: number, code: number): void {
    const tag = this.#tags.nameOf(index);
    // A tag that comes again before the others: the cycle is over for those that are late.
    if (this.#pending.has(tag)) this.#report();
    const word = severityOf(code);
    this.#pending.set(tag, {
      tag,
      value: word === 'bad' || !Number.isFinite(value) ? null : this.#textTags.has(tag) ? this.#texts.nameOf(value) : value,
      time: timeMs,
      quality: word,
      ...(code !== quality.good && { reason: qualityText(code) }),
    });
  }

  #burst(): void {
    if (this.#pending.size === this.#tags.size) this.#report();
  }

  #report(): void {
    const samples = [...this.#pending.values()];
    this.#pending = new Map();
    this.#cycle(samples);
  }
}

/** One cycle, and then the line is left: what stands there now. Rejects with what the device or the network said where nothing could be read, and the reason of `signal`. */
export async function readModbusOnce(
  options: FlowModbusOptions,
  signal: AbortSignal = AbortSignal.timeout(firstCycleMs),
): Promise<PolledSample[]> {
  const { samples, problem } = await firstCycle(options, signal);
  if (samples.every((sample) => sample.quality === 'bad') && problem !== undefined)
    throw new FettleError('FETTLE_MODBUS_UNREACHABLE', problem);
  return samples;
}

/**
 * Whether somebody answers at this address under this unit id, by a read of holding register 0; `value` is null where it answers that it has none. Shares the connection of those who poll there. Rejects with
 * what the device or the network said, and what to do.
 */
export async function askModbusUnit(
  source: { readonly url: string; readonly unit: number; readonly timeout: string },
  signal: AbortSignal = AbortSignal.timeout(firstCycleMs),
): Promise<{ readonly value: number | null }> {
  const tags = [{ tag: 'asked', table: 'holdingRegister', address: 0, type: 'uint16' }];
  const { samples, problem } = await firstCycle({ source: { ...source, tags } }, signal);
  const [asked] = samples;
  if (asked?.quality !== 'bad') return { value: Number(asked?.value) };
  if (asked.reason === qualityText(quality.badNoCommunication))
    throw new FettleError('FETTLE_MODBUS_UNREACHABLE', problem ?? `${source.url} did not answer`);
  return { value: null };
}

async function firstCycle(
  options: FlowModbusOptions,
  signal: AbortSignal,
): Promise<{ samples: PolledSample[]; problem: string | undefined }> {
  const { promise, resolve, reject } = Promise.withResolvers<PolledSample[]>();
  const modbus = new FlowModbus(options, resolve);
  const onAbort = (): void =>
    reject(new FettleError('FETTLE_MODBUS_UNREACHABLE', modbus.status().problem ?? `${options.source.url} did not answer in time`));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await modbus.start();
    return { samples: await promise, problem: modbus.status().problem };
  } finally {
    signal.removeEventListener('abort', onAbort);
    await modbus.close();
  }
}

/** A pasted register list → tags as in fettle.yaml, and what is wrong with its lines. Throws FETTLE_CSV_INVALID. */
export const tagsOfSheet = (text: string): RegisterList =>
  parseRegisterList(text, 'the sheet', { prefix: '', table: 'holdingRegister', base: 0 });
