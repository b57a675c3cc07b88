import { isUsable } from '../core/quality.ts';

/** Least, highest, sum and number of values, by key and step of time. */
export interface Bucket {
  min: number;
  max: number;
  sum: number;
  count: number;
}

export interface SampleColumns {
  readonly tag: ArrayLike<number>;
  readonly timeMs: ArrayLike<number>;
  readonly value: ArrayLike<number>;
  readonly quality: ArrayLike<number>;
  readonly length: number;
}

/** Sums samples up in steps: tag → step → bucket. Bad and missing values are no values. */
export class SampleBuckets {
  readonly #stepMs: number;
  readonly byTag = new Map<number, Map<number, Bucket>>();

  constructor(stepMs: number) {
    this.#stepMs = stepMs;
  }

  add({ tag, timeMs, value, quality, length }: SampleColumns, wanted?: ReadonlySet<number>): void {
    let lastTag = -1;
    let ofTag: Map<number, Bucket> | undefined;
    for (let i = 0; i < length; i++) {
      const x = value[i] as number;
      if (!Number.isFinite(x) || !isUsable(quality[i] as number)) continue;
      const key = tag[i] as number;
      if (wanted?.has(key) === false) continue;
      if (key !== lastTag) {
        lastTag = key;
        ofTag = this.byTag.get(key);
        if (ofTag === undefined) {
          ofTag = new Map();
          this.byTag.set(key, ofTag);
        }
      }
      const step = Math.floor((timeMs[i] as number) / this.#stepMs);
      const bucket = (ofTag as Map<number, Bucket>).get(step);
      if (bucket === undefined) (ofTag as Map<number, Bucket>).set(step, { min: x, max: x, sum: x, count: 1 });
      else {
        if (x < bucket.min) bucket.min = x;
        if (x > bucket.max) bucket.max = x;
        bucket.sum += x;
        bucket.count++;
      }
    }
  }
}

/** The step's worst score, and the sums of what was expected. */
export interface ScoreBucket {
  ratio: number;
  /** Of the worst one: contributions by channel. */
  contributions: Float32Array;
  readonly expected: Float64Array;
  count: number;
}

/** One score as the journal keeps it: `detail` is 3 × channels: contributions, observed, expected. */
export interface ScoreRow {
  readonly end_ms: number;
  readonly value: number;
  readonly threshold: number;
  readonly detail: Uint8Array;
}

const floats = (bytes: Uint8Array): Float32Array =>
  bytes.byteOffset % 4 === 0
    ? new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
    : new Float32Array(bytes.slice().buffer);

/** Sums the scores of one asset up in steps. */
export function sumScores(rows: readonly ScoreRow[], stepMs: number, into: Map<number, ScoreBucket> = new Map()): Map<number, ScoreBucket> {
  for (const { end_ms: endMs, value, threshold, detail } of rows) {
    const all = floats(detail);
    const channels = all.length / 3;
    const ratio = value / threshold;
    // A window's end belongs to the step before it.
    const step = Math.floor((endMs - 1) / stepMs);
    let bucket = into.get(step);
    if (bucket === undefined || bucket.expected.length !== channels) {
      bucket = {
        ratio: Number.NEGATIVE_INFINITY,
        contributions: new Float32Array(channels),
        expected: new Float64Array(channels),
        count: 0,
      };
      into.set(step, bucket);
    }
    if (ratio > bucket.ratio) {
      bucket.ratio = ratio;
      bucket.contributions = all.slice(0, channels);
    }
    for (let c = 0; c < channels; c++) bucket.expected[c] = (bucket.expected[c] as number) + (all[2 * channels + c] as number);
    bucket.count++;
  }
  return into;
}
