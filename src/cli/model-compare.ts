import { formatDuration } from '../core/duration.ts';
import type { ModelComparison } from '../gateway/compare-models.ts';
import { aligned } from './aligned.ts';
import { askGateway, directoryOf, type Where } from './ask-gateway.ts';

/** Weeks of history take a while. */
const waitMs = 600_000;

export async function modelCompare(
  asset: string,
  versions: readonly string[],
  { from, to, ...where }: Where & { readonly from?: number; readonly to?: number },
): Promise<void> {
  const query = new URLSearchParams({
    asset,
    ...(versions.length > 0 && { versions: versions.join(',') }),
    ...(from !== undefined && { fromMs: String(from) }),
    ...(to !== undefined && { toMs: String(to) }),
  });
  const comparison = await askGateway<ModelComparison>(directoryOf(where), 'GET', `/api/v1/models/compare?${query}`, undefined, waitMs);
  process.stdout.write(where.json === true ? `${JSON.stringify(comparison)}\n` : renderComparison(comparison));
}

/** A column a model, and when each was in alarm. Ends with a line break. */
export function renderComparison({ asset, fromMs, toMs, runningMs, faults, notFaults, agreement, models }: ModelComparison): string {
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const rows: (readonly [string, ...string[]])[] = [
    ['', ...models.map(({ version }) => version)],
    ['precision', ...models.map(({ precision }) => precision)],
    ['rows judged', ...models.map(({ rows: judged }) => judged.toLocaleString('en'))],
    ['alarms', ...models.map(({ alarms }) => String(alarms))],
    ['time in alarm', ...models.map(({ alarmRows, rows: judged }) => percent(alarmRows / judged))],
    ['time in slow change', ...models.map(({ warningRows, rows: judged }) => percent(warningRows / judged))],
    ['score over limit, median', ...models.map(({ median }) => percent(median))],
    ['  99 % of it below', ...models.map(({ p99 }) => percent(p99))],
    ['self-test', ...models.map(({ selfTest }) => (selfTest === null ? 'none' : percent(selfTest)))],
    ...(faults === 0
      ? []
      : [['faults (as people said) found', ...models.map(({ faultsFound }) => `${faultsFound} of ${faults}`)] as const]),
    ...(notFaults === 0
      ? []
      : [['false or planned, alarmed again', ...models.map(({ falseRepeated }) => `${falseRepeated} of ${notFaults}`)] as const]),
  ];
  const table = aligned(rows, new Set(models.map((_, i) => i + 1)));
  const when = models.flatMap(({ version, episodes }) =>
    episodes.map(
      ({ fromMs: begun, toMs: ended, channel }) =>
        `  ${timeText(begun)}  ${version}  for ${formatDuration(ended - begun)}${channel === null ? '' : `, most of it ${channel}`}`,
    ),
  );
  return `${[
    `${asset}: ${formatDuration(runningMs)} of running time between ${timeText(fromMs)} and ${timeText(toMs)} (UTC)`,
    '',
    ...table,
    '',
    `They say the same in ${percent(agreement)} of the rows.`,
    ...(when.length === 0 ? [] : ['', 'In alarm:', ...when.sort()]),
  ].join('\n')}\n`;
}

const timeText = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
