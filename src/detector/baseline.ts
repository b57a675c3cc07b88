import type { DetectorParameters } from '../core/detector.ts';
import { weightOf } from './half-life.ts';

/** Noise may look at most this many times quieter or louder than while learning before it is news (as variance). */
const scaleRange = [0.5, 20] as const;

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

  constructor({ channels, halfLives, gain }: DetectorParameters) {
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
    const { mean, deviation, residualMean } = this.#channels[c] as DetectorParameters['channels'][number];
    if (Number.isNaN(value)) {
      this.#residual[c] = Number.NaN;
      return mean + deviation * residualMean;
    }
    const residual = (value - mean) / deviation - (this.level[c] as number);
    this.#residual[c] = own ? residual : Number.NaN;
    return mean + deviation * (residualMean + (residual - residualMean) / Math.sqrt(this.scale[c] as number));
  }

  /** After a row: follows it. `frozen`: only channels that always wander are followed, and nobody's noise. */
  adapt(frozen: boolean): void {
    for (let c = 0; c < this.#channels.length; c++) {
      const residual = this.#residual[c] as number;
      const { drifts, residualMean, residualDeviation } = this.#channels[c] as DetectorParameters['channels'][number];
      if (Number.isNaN(residual) || (frozen && !drifts)) continue;
      this.level[c] = (this.level[c] as number) + this.#weight * this.#departure(c, frozen);
      if (frozen) continue;
      const q = (residual - residualMean) / residualDeviation;
      const scale = (this.scale[c] as number) + this.#scaleWeight * (q * q - (this.scale[c] as number));
      this.scale[c] = Math.min(scaleRange[1], Math.max(scaleRange[0], scale));
    }
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

  /** What is now is the baseline. `values` in engineering units; NaN leaves a channel as it is. */
  rebase(values: ArrayLike<number>): void {
    this.#channels.forEach(({ mean, deviation, residualMean }, c) => {
      const value = values[c] as number;
      if (Number.isFinite(value)) this.level[c] = (value - mean) / deviation - residualMean;
    });
    this.scale.fill(1);
  }

  save(): { level: number[]; scale: number[] } {
    return { level: [...this.level], scale: [...this.scale] };
  }

  restoreState({ level, scale }: { level: readonly number[]; scale: readonly number[] }): void {
    this.level.set(level);
    this.scale.set(scale);
  }
}
