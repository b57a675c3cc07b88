import { FettleError } from '../../core/errors.ts';
import { quality } from '../../core/quality.ts';
import type { Source, SourceContext, SourceStatus } from '../../core/source.ts';
import { parseTimestamp } from '../../core/timestamp.ts';
import type { HttpSourceConfig } from './config.ts';

/** One sample as a program sends it. */
export interface SentSample {
  readonly tag: string;
  /** Null: there is none; the sample is bad. */
  readonly value: number | boolean | null;
  /** ms since the epoch or ISO 8601; the arrival when absent. */
  readonly time?: string | number | undefined;
  readonly quality?: 'good' | 'uncertain' | 'bad' | undefined;
}

const waitingBound = 1000;
const codes = { good: quality.good, uncertain: quality.uncertainLastUsableValue, bad: quality.badSensorFailure } as const;

interface Waiting {
  readonly mark: number;
  readonly done: () => void;
  readonly fail: (error: FettleError) => void;
}

/** Samples that programs send through the API (`POST /api/v1/samples`): a flow, a script. Taken whole or not at all; the answer goes out when the journal has them. */
export class HttpSource implements Source {
  readonly id: string;
  readonly #config: HttpSourceConfig;
  readonly #context: SourceContext;
  readonly #tags: ReadonlyMap<string, number>;
  readonly #counters = { requests: 0, samples: 0, refused: 0 };
  #waiting: Waiting[] = [];
  #running = false;
  #lastGoodMs: number | undefined;
  #silence: NodeJS.Timeout | undefined;

  constructor(config: HttpSourceConfig, context: SourceContext) {
    this.id = config.id;
    this.#config = config;
    this.#context = context;
    this.#tags = new Map(config.tags.map(({ tag }) => [tag, context.tags.intern(tag)]));
  }

  async start(): Promise<void> {
    this.#running = true;
  }

  async stop(): Promise<void> {
    this.#running = false;
    clearTimeout(this.#silence);
  }

  /** Resolves when the samples are durable. `resent`: they may have been sent before, and only new ones are kept. Throws FETTLE_API_REQUEST with the place of what is wrong, FETTLE_SOURCE_BUSY where no more can be taken now. */
  async push(samples: readonly SentSample[], resent: boolean): Promise<void> {
    const { inlet, clock } = this.#context;
    this.#counters.requests++;
    const arrivalMs = clock.wallMs();
    const rows = samples.map((sample, i) => this.#row(sample, i, arrivalMs));
    if (!this.#running || inlet.full || this.#waiting.length >= waitingBound)
      throw new FettleError('FETTLE_SOURCE_BUSY', `${this.id} cannot take more at the moment`, { retryAfterMs: 1000 });
    this.#hear();
    if (resent) inlet.redelivered();
    for (const [tag, timeMs, value, code] of rows) inlet.append(tag, timeMs, value, code);
    this.#counters.samples += rows.length;
    const mark = inlet.mark();
    const durable = new Promise<void>((done, fail) => {
      this.#waiting.push({ mark, done, fail });
    });
    inlet.endOfBurst();
    await durable;
    this.#lastGoodMs = clock.wallMs();
  }

  committed(mark: number): void {
    const settled = this.#waiting.filter((one) => one.mark <= mark);
    this.#waiting = this.#waiting.filter((one) => one.mark > mark);
    for (const { done } of settled) done();
  }

  resume(): void {}

  status(): SourceStatus {
    const state = this.#running ? 'good' : 'stopped';
    return {
      state,
      units: [{ name: 'programs', state, ...(this.#lastGoodMs !== undefined && { lastGoodMs: this.#lastGoodMs }) }],
      counters: { ...this.#counters, unacknowledged: this.#waiting.length },
    };
  }

  /** Connected is who has sent lately: a program has no connection one could see. */
  #hear(): void {
    const { inlet } = this.#context;
    inlet.setConnected(true);
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => inlet.setConnected(false), this.#config.silentAfter).unref();
  }

  #row(
    { tag: name, value, time, quality: said = 'good' }: SentSample,
    i: number,
    arrivalMs: number,
  ): readonly [number, number, number, number] {
    const tag = this.#tags.get(name);
    if (tag === undefined) throw this.#refuse(i, `"${name}" is not a tag of ${this.id}`);
    const timeMs = time === undefined ? arrivalMs : parseTimestamp(time);
    if (Number.isNaN(timeMs)) throw this.#refuse(i, `"${time}" is not a time`);
    const number = value === null ? Number.NaN : Number(value);
    if (timeMs > arrivalMs + this.#config.maxSkew) return [tag, arrivalMs, number, quality.badClockSkew];
    return [tag, timeMs, number, Number.isFinite(number) ? codes[said] : quality.badNotAvailable];
  }

  #refuse(i: number, what: string): FettleError {
    this.#counters.refused++;
    return new FettleError('FETTLE_API_REQUEST', `samples[${i}]: ${what}; none of them was taken`);
  }
}
