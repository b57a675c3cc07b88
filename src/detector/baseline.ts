import type { DetectorParameters } from '../core/detector.ts';
import { weightOf } from './half-life.ts';

/** Noise may look at most this many times quieter or louder than while learning before it is news (as variance). */
const scaleRange = [0.5, 20] as const;
/** Rows in which a level is found, as at the beginning of each run while learning; their noise says nothing yet. */
const unsettledRows = 20;

/**
 * The slow part of every channel, followed row by row, and how noisy it is now (DETECTOR 3.4 and 3.5). What it leaves, put back on the level of the learning
 * rows, is what the model sees: so the model needs no memory, and any runtime gives the same score.
 */
export class Baseline {
  readonly #channels: DetectorParameters['channels'];
  readonly #weight: number;
  readonly #scaleWeight: number;
  /** In deviations of the channel. */
  readonly level: Float64Array;
  /** Variance of the residual over that of learning. */
  readonly scale: Float64Array;
  /** Of the last row, in deviations; NaN where it had no value of its own. */
  readonly #residual: Float64Array;
  readonly #gain: DetectorParameters['gain'];
  readonly #halfLifeRows: number;
  readonly #measuredRows: number;
  /** Rows in which there was nothing to follow. */
  #rested = 0;
  /** Rows since the machine was started or its level is being measured anew; as many of them are averaged as an exponential mean would weigh. */
  #since = Number.POSITIVE_INFINITY;
  /** The level is measured anew: each channel by itself, wherever it has gone. */
  #isMeasured = false;

  constructor({ channels, halfLives, gain }: DetectorParameters) {
    this.#halfLifeRows = halfLives.baseline;
    this.#measuredRows = halfLives.scale;
    this.#channels = channels;
    this.#gain = gain;
    this.#weight = weightOf(halfLives.baseline);
    this.#scaleWeight = weightOf(halfLives.scale);
    this.level = Float64Array.from(channels, ({ baseline }) => baseline);
    this.scale = new Float64Array(channels.length).fill(1);
    this.#residual = new Float64Array(channels.length).fill(Number.NaN);
  }

  /** Value of a channel without its drift, engineering units. NaN (masked) gives what the model expects to see where nothing happens. */
  correct(c: number, value: number, own: boolean): number {
    // NaN of a value is that of its residual too.
    this.#residual[c] = own ? this.#residualOf(c, value) : Number.NaN;
    return this.corrected(c, value);
  }

  /** As `correct`, of a row that has been followed already. */
  corrected(c: number, value: number): number {
    const { mean, deviation, residualMean } = this.#channels[c] as DetectorParameters['channels'][number];
    if (Number.isNaN(value)) return mean + deviation * residualMean;
    return mean + deviation * (residualMean + (this.#residualOf(c, value) - residualMean) / Math.sqrt(this.scale[c] as number));
  }

  /** Whether the level is known: after a start and when it is measured anew it takes some rows. */
  get isSettled(): boolean {
    return this.#since >= unsettledRows;
  }

  #residualOf(c: number, value: number): number {
    const { mean, deviation } = this.#channels[c] as DetectorParameters['channels'][number];
    return (value - mean) / deviation - (this.level[c] as number);
  }

  /** After a row: follows it. `frozen`: only channels that always wander are followed, and nobody's noise. */
  adapt(frozen: boolean): void {
    this.#rested = 0;
    const weight = frozen ? this.#weight : Math.max(this.#weight, 1 / (this.#since + 1));
    for (let c = 0; c < this.#channels.length; c++) {
      const residual = this.#residual[c] as number;
      const { drifts, residualMean, residualDeviation } = this.#channels[c] as DetectorParameters['channels'][number];
      if (Number.isNaN(residual) || (frozen && !drifts)) continue;
      const departure = this.#isMeasured && !frozen ? residual - residualMean : this.#departure(c, frozen);
      this.level[c] = (this.level[c] as number) + weight * departure;
      if (frozen || !this.isSettled) continue;
      const q = (residual - residualMean) / residualDeviation;
      const scale = (this.scale[c] as number) + this.#scaleWeight * (q * q - (this.scale[c] as number));
      this.scale[c] = Math.min(scaleRange[1], Math.max(scaleRange[0], scale));
    }
    if (!frozen) this.#since++;
    if (this.#isMeasured && this.#since >= this.#measuredRows) this.#isMeasured = false;
  }

  /** As far as it is slow movement. A channel that is held has no part in where the others go: in an alarm it may be the fault. */
  #departure(c: number, frozen: boolean): number {
    if (this.#gain === null) return this.#residual[c] as number;
    const channels = this.#channels.length;
    let departure = 0;
    for (let j = 0; j < channels; j++) {
      const residual = this.#residual[j] as number;
      if (!Number.isNaN(residual) && !(frozen && !this.#channels[j]?.drifts))
        departure += (this.#gain[c * channels + j] as number) * residual;
    }
    return departure;
  }

  /** Nothing was heard for `rows` rows: beyond a half-life, what is known of the drift is worth less. */
  forget(rows: number, halfLife: number): void {
    if (rows <= halfLife) return;
    const kept = 0.5 ** (rows / halfLife - 1);
    for (let c = 0; c < this.level.length; c++) this.level[c] = (this.level[c] as number) * kept;
  }

  /**
   * The machine stood still for one more row. After a half-life of that the hall is warmer or colder: where such slow movement has taken the machine is found from its next rows, as learning
   * finds it at the beginning of each run. Returns whether it is.
   */
  rest(): boolean {
    this.#rested++;
    if (this.#rested <= this.#halfLifeRows || this.#gain === null) return false;
    if (!this.#isMeasured) this.#since = 0;
    return true;
  }

  /** What comes now is the baseline: the level of every channel is the mean of its rows from here on, until they are enough. */
  rebase(): void {
    this.#since = 0;
    this.#isMeasured = true;
    this.scale.fill(1);
  }

  save(): SavedBaseline {
    return {
      level: [...this.level],
      scale: [...this.scale],
      ...(this.#rested > 0 && { rested: this.#rested }),
      ...(Number.isFinite(this.#since) && { since: this.#since, isMeasured: this.#isMeasured }),
    };
  }

  restoreState({ level, scale, rested = 0, since = Number.POSITIVE_INFINITY, isMeasured = false }: SavedBaseline): void {
    this.#rested = rested;
    this.level.set(level);
    this.scale.set(scale);
    this.#since = since;
    this.#isMeasured = isMeasured;
  }
}

/** What came later may be absent. */
export interface SavedBaseline {
  readonly level: readonly number[];
  readonly scale: readonly number[];
  readonly rested?: number;
  readonly since?: number;
  readonly isMeasured?: boolean;
}
