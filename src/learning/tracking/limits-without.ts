import type { DetectorParameters } from '../../core/detector.ts';
import { type LimitRule, limitOf, type PartsShape, scoreOf } from '../../detector/limit.ts';
import { runGraph } from '../run-graph.ts';

const mostWindows = 1_000;

export type Without = Pick<DetectorParameters['channels'][number], 'limitWithout' | 'levelWithout'>;

export interface MaskedFacts {
  readonly corrected: Float64Array;
  readonly unseen: readonly number[];
  readonly shape: PartsShape;
  /** By channel: what a channel that is out is held at, engineering units. */
  readonly mean: Float64Array;
  readonly settings: LimitRule & { readonly median: number };
}

/** What limit and level become without each channel, on the graph that ships. */
export async function limitsWithout(graph: Uint8Array, facts: MaskedFacts, signal: AbortSignal | undefined): Promise<Without[]> {
  const { corrected, shape, mean, settings } = facts;
  const unseen = facts.unseen.slice(-mostWindows);
  const { length, channels, members } = shape;
  const width = length * channels;
  const found = async (masked: Uint8Array): Promise<{ limit: number; level: number }> => {
    const rows = new Float64Array(unseen.length * width);
    unseen.forEach((start, w) => {
      rows.set(corrected.subarray(start * channels, start * channels + width), w * width);
    });
    for (let at = 0; at < rows.length; at++) if (masked[at % channels] === 1) rows[at] = mean[at % channels] as number;
    const { parts } = await runGraph(graph, { rows, offsets: unseen.map((_, w) => w * width), length, channels }, signal);
    const scores = unseen.map((_, w) => scoreOf(parts, w * members * channels, shape, masked));
    return limitOf(scores, length, settings.median, settings);
  };
  const all = await found(new Uint8Array(channels));
  const without: Without[] = [];
  for (let c = 0; c < channels; c++) {
    // With one channel alone there is nothing left to judge.
    const masked = Uint8Array.from({ length: channels }, (_, other) => Number(other === c && channels > 1));
    const { limit, level } = await found(masked);
    without.push({ limitWithout: limit / all.limit, levelWithout: level - all.level });
  }
  return without;
}
