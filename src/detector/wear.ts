import type { DetectorParameters } from '../core/detector.ts';
import { weightOf } from './half-life.ts';
import type { SlowVerdict } from './slow-change.ts';

/** `detector.drift` of an asset. */
export interface WearLimit {
  /** How far a long mean may go from where it was while learning, in deviations of the channel. */
  readonly deviations: number;
  /** Rows the mean looks back over. */
  readonly overRows: number;
}

/** An exponential mean with this share of the span as half-life follows a steady ramp with a lag of about a third of it. */
const halfLifeShare = 1 / 4;

/** Wear over days, channel by channel: long means against those of the learning rows, which stay the reference for as long as the model does. */
export class Wear {
  readonly #channels: DetectorParameters['channels'];
  readonly #limit: WearLimit;
  readonly #weight: number;
  /** In deviations from the mean of learning. */
  readonly #means: Float64Array;
  readonly #references: Float64Array;
  readonly #halfLifeRows: number;
  /** Rows since a person said that things are different now: for a half-life means and references are found anew, and nothing is said. */
  #since = Number.POSITIVE_INFINITY;

  constructor({ channels }: DetectorParameters, limit: WearLimit) {
    this.#channels = channels;
    this.#limit = limit;
    this.#halfLifeRows = Math.max(1, limit.overRows * halfLifeShare);
    this.#weight = weightOf(this.#halfLifeRows);
    this.#means = new Float64Array(channels.length);
    this.#references = new Float64Array(channels.length);
  }

  /** `values` in engineering units; NaN where a channel has nothing usable. */
  row(values: ArrayLike<number>): SlowVerdict {
    let ratio = 0;
    let channel = 0;
    const weight = Math.max(this.#weight, 1 / (this.#since + 1));
    for (let c = 0; c < this.#means.length; c++) {
      const { mean, deviation } = this.#channels[c] as DetectorParameters['channels'][number];
      const value = values[c] as number;
      if (Number.isFinite(value))
        this.#means[c] = (this.#means[c] as number) + weight * ((value - mean) / deviation - (this.#means[c] as number));
      if (this.#since < this.#halfLifeRows) this.#references[c] = this.#means[c] as number;
      const own = Math.abs((this.#means[c] as number) - (this.#references[c] as number)) / this.#limit.deviations;
      if (own > ratio) [ratio, channel] = [own, c];
    }
    this.#since++;
    return { ratio, channel };
  }

  /** Means and references begin anew with the next row. */
  rebase(): void {
    this.#since = 0;
  }

  save(): SavedWear {
    return { means: [...this.#means], references: [...this.#references], ...(Number.isFinite(this.#since) && { since: this.#since }) };
  }

  restore({ means, references, since = Number.POSITIVE_INFINITY }: SavedWear): void {
    this.#since = since;
    this.#means.set(means);
    this.#references.set(references);
  }
}

export interface SavedWear {
  readonly since?: number;
  readonly means: readonly number[];
  readonly references: readonly number[];
}
