import { FettleError } from '../../core/errors.ts';
import { rowOfSample, type SentSample } from '../../core/sent-sample.ts';
import type { Source, SourceContext, SourceStatus } from '../../core/source.ts';
import type { HttpSourceConfig } from './config.ts';

const waitingBound = 1000;

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

  #row(sample: SentSample, i: number, arrivalMs: number): readonly [number, number, number, number] {
    const tag = this.#tags.get(sample.tag);
    if (tag === undefined) throw this.#refuse(i, `"${sample.tag}" is not a tag of ${this.id}`);
    const [timeMs, value, code] = rowOfSample(sample, arrivalMs, this.#config.maxSkew);
    if (Number.isNaN(timeMs)) throw this.#refuse(i, `"${sample.time}" is not a time`);
    return [tag, timeMs, value, code];
  }

  #refuse(i: number, what: string): FettleError {
    this.#counters.refused++;
    return new FettleError('FETTLE_API_REQUEST', `samples[${i}]: ${what}; none of them was taken`);
  }
}
