import type { DetectorParameters, SlowScale } from '../core/detector.ts';
import { weightOf } from './half-life.ts';

export interface SlowVerdict {
  /** Largest deviation from the frozen reference over its limit: above 1 is a slow change. */
  readonly ratio: number;
  /** The channel with the largest. */
  readonly channel: number;
}

/**
 * What a tracking baseline swallows: slow means against a reference frozen at the end of learning, each channel against what the others say of it
 * (detector study 2, section 1). Its limit widens with time as far as the drift seen while learning explains. Only a person resets the reference.
 */
export class SlowChange {
  readonly #scales: readonly SlowScale[];
  readonly #channels: DetectorParameters['channels'];
  readonly #mostRows: number;
  readonly #means: readonly Float64Array[];
  /** What the means are held against; those of learning until a person says otherwise. */
  readonly #references: readonly Float64Array[];
  /** Rows since the end of learning. */
  #rows = 0;
  /** Rows since a person said that things are different now. For as many as a mean weighs, means and references are found anew, and nothing is said. */
  #since = Number.POSITIVE_INFINITY;

  constructor({ channels, slow }: DetectorParameters) {
    this.#channels = channels;
    this.#scales = slow?.scales ?? [];
    this.#mostRows = 2 * (slow?.learningRows ?? 0);
    this.#means = this.#scales.map(({ mean }) => Float64Array.from(mean));
    this.#references = this.#scales.map(({ reference }) => Float64Array.from(reference));
  }

  /** `values` in engineering units; a channel without a usable value (NaN) stays where it was. Undefined where nothing was learnt to say it. */
  row(values: ArrayLike<number>): SlowVerdict | undefined {
    if (this.#scales.length === 0) return undefined;
    this.#rows = Math.min(this.#rows + 1, this.#mostRows);
    let ratio = 0;
    let channel = 0;
    this.#scales.forEach((scale, s) => {
      const mean = this.#means[s] as Float64Array;
      const reference = this.#references[s] as Float64Array;
      const weight = Math.max(weightOf(scale.halfLifeRows), 1 / (this.#since + 1));
      for (let c = 0; c < mean.length; c++) {
        const { mean: centre, deviation } = this.#channels[c] as DetectorParameters['channels'][number];
        const value = values[c] as number;
        if (Number.isFinite(value)) mean[c] = (mean[c] as number) + weight * ((value - centre) / deviation - (mean[c] as number));
      }
      if (this.#since < scale.halfLifeRows) {
        reference.set(mean);
        return;
      }
      for (let c = 0; c < mean.length; c++) {
        let contrast = 0;
        for (let j = 0; j < mean.length; j++)
          contrast += (scale.contrast[c * mean.length + j] as number) * ((mean[j] as number) - (reference[j] as number));
        const variance =
          (scale.variance[c] as number) +
          (scale.diffusion[c] as number) * this.#rows +
          (scale.slope[c] as number) * this.#rows * this.#rows;
        const own = Math.abs(contrast) / Math.sqrt(variance) / scale.limit;
        if (own > ratio) [ratio, channel] = [own, c];
      }
    });
    this.#since++;
    return { ratio, channel };
  }

  /** Means and references begin anew with the next row. */
  rebase(): void {
    this.#rows = 0;
    this.#since = 0;
  }

  save(): SavedSlow {
    return {
      rows: this.#rows,
      ...(Number.isFinite(this.#since) && { since: this.#since }),
      means: this.#means.map((mean) => [...mean]),
      references: this.#references.map((reference) => [...reference]),
    };
  }

  restore({ rows, since = Number.POSITIVE_INFINITY, means, references }: SavedSlow): void {
    this.#rows = rows;
    this.#since = since;
    means.forEach((mean, s) => {
      this.#means[s]?.set(mean);
    });
    references.forEach((reference, s) => {
      this.#references[s]?.set(reference);
    });
  }
}

export interface SavedSlow {
  readonly rows: number;
  readonly since?: number;
  readonly means: readonly (readonly number[])[];
  readonly references: readonly (readonly number[])[];
}
