import { readSegment } from '../journal/segment.ts';
import { type Bucket, SampleBuckets, type ScoreBucket, sumScores } from './buckets.ts';
import type { SeriesAnswer, SeriesQuery } from './protocol.ts';
import type { SummaryStore } from './summary-store.ts';

const empty = (length: number): Float64Array => new Float64Array(length).fill(Number.NaN);

/** The series of a chart: buckets of any step put into places of the query's step. */
export function seriesOf({ fromMs, stepMs, points, tags, asset, from }: SeriesQuery, store: SummaryStore): SeriesAnswer {
  const toMs = fromMs + points * stepMs;
  let bucketMs: number;
  let ofTag: (tag: number) => Map<number, Bucket>;
  let scores: Map<number, ScoreBucket>;
  if ('level' in from) {
    bucketMs = from.level;
    ofTag = (tag) => store.samples(from.level, tag, fromMs, toMs);
    scores = store.scores(from.level, asset, fromMs, toMs);
  } else {
    bucketMs = stepMs;
    const buckets = new SampleBuckets(stepMs);
    const wanted = new Set(tags);
    for (const segment of from.segments)
      for (const entry of readSegment(segment)) if (entry.kind === 'samples') buckets.add(entry.block, wanted);
    ofTag = (tag) => buckets.byTag.get(tag) ?? new Map();
    scores = sumScores(from.scores, stepMs);
  }
  const placeOf = (bucket: number): number => Math.floor((bucket * bucketMs - fromMs) / stepMs);
  const [min, mean, max] = [0, 1, 2].map(() => tags.map(() => empty(points))) as [Float64Array[], Float64Array[], Float64Array[]];
  tags.forEach((tag, t) => {
    const counts = new Float64Array(points);
    const [low, sum, high] = [min[t], mean[t], max[t]] as [Float64Array, Float64Array, Float64Array];
    for (const [bucket, values] of ofTag(tag)) {
      const place = placeOf(bucket);
      if (place < 0 || place >= points) continue;
      const isFirst = counts[place] === 0;
      low[place] = isFirst ? values.min : Math.min(low[place] as number, values.min);
      high[place] = isFirst ? values.max : Math.max(high[place] as number, values.max);
      sum[place] = isFirst ? values.sum : (sum[place] as number) + values.sum;
      counts[place] = (counts[place] as number) + values.count;
    }
    for (let i = 0; i < points; i++) sum[i] = (sum[i] as number) / (counts[i] as number);
  });
  // The newest model's channels: those of another one cannot stand in the same rows.
  const channels =
    [...scores].reduce(
      (newest, entry) => (newest === undefined || entry[0] > newest[0] ? entry : newest),
      undefined as [number, ScoreBucket] | undefined,
    )?.[1].expected.length ?? 0;
  const ratio = empty(points);
  const contributions = empty(points * channels);
  const expected = empty(points * channels);
  const counts = new Float64Array(points);
  for (const [bucket, score] of scores) {
    const place = placeOf(bucket);
    if (place < 0 || place >= points || score.expected.length !== channels) continue;
    const isFirst = counts[place] === 0;
    counts[place] = (counts[place] as number) + score.count;
    for (let c = 0; c < channels; c++) {
      const at = place * channels + c;
      expected[at] = (isFirst ? 0 : (expected[at] as number)) + (score.expected[c] as number);
    }
    if (isFirst || score.ratio > (ratio[place] as number)) {
      ratio[place] = score.ratio;
      contributions.set(score.contributions, place * channels);
    }
  }
  for (let at = 0; at < expected.length; at++) expected[at] = (expected[at] as number) / (counts[Math.floor(at / channels)] as number);
  return { min, mean, max, ratio, contributions, expected, channels };
}
