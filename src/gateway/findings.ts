import type { Finding } from '../core/alarm.ts';
import type { ModelManifest } from '../core/manifest.ts';
import type { Score } from '../core/score.ts';

const shown = 5;

/**
 * The channels by their part in the score, with what the model would have had: ± 3 deviations of its residual while learning. `columns`: for each channel its place
 * among the asset's `tags` and `units`.
 */
export function findingsOf(
  score: Score,
  manifest: ModelManifest,
  columns: readonly number[],
  { tags, units }: { readonly tags: readonly string[]; readonly units: readonly (string | null)[] },
): Finding[] {
  const total = score.contributions.reduce((sum, part) => sum + part, 0);
  const findings = manifest.channels.map(({ residualDeviation, engineeringUnit }, channel): Finding => {
    const column = columns[channel] as number;
    const expected = score.expected[channel] as number;
    const band = 3 * residualDeviation;
    return {
      tag: tags[column] as string,
      value: score.observed[channel] as number,
      expected: [expected - band, expected + band],
      engineeringUnit: units[column] ?? engineeringUnit ?? null,
      share: total > 0 ? (score.contributions[channel] as number) / total : null,
    };
  });
  return findings.sort((a, b) => (b.share ?? 0) - (a.share ?? 0)).slice(0, shown);
}
