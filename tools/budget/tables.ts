import { poissonLower, poissonUpper } from '../../src/learning/evaluation/poisson.ts';
import type { Kept } from './kept.ts';
import { type Probes, stepSizes } from './probes.ts';
import { medianOf } from './subject.ts';
import { type Wearing, type Worn, wearTo } from './worn.ts';

export const keptHead = [
  `| recording | grid | budget | days | budgeted | observed | observed / budgeted (95 %) | time in alarm | slow-change warnings | ${stepSizes.map((size) => `steps of ${size} found (median delay)`).join(' | ')} | kept |`,
  `|---|---|---|---|---|---|---|---|---|${'---|'.repeat(stepSizes.length + 1)}`,
];

/** One line of the table. Kept: no more came than was budgeted. */
export function keptLine(recording: string, grid: string, budget: string, kept: Kept): string {
  const { days, budgeted, observed, daysInAlarm, warnings, probes } = kept;
  const [low, high] = [poissonLower(observed, 0.975), poissonUpper(observed, 0.975)].map((bound) => (bound / budgeted).toFixed(2));
  const found = stepSizes.map((size) => {
    const { steps, delays } = probes.get(size) as Probes;
    return `${delays.length} of ${steps} (${medianOf(delays)} rows)`;
  });
  return `| ${[
    recording,
    grid,
    budget,
    days.toFixed(0),
    budgeted.toFixed(1),
    observed,
    `${(observed / budgeted).toFixed(2)} (${low} to ${high})`,
    `${((100 * daysInAlarm) / days).toFixed(2)} %`,
    warnings,
    ...found,
    observed <= budgeted ? 'yes' : 'no',
  ].join(' | ')} |`;
}

export const wornHead = [
  '| machine | what wears | spoken of in time | warned first, not alarmed | median day | median deviations | latest deviations |',
  '|---|---|---|---|---|---|---|',
];

/** Lines of one machine, over seeds. */
export function wornLines(machine: string, all: readonly Wearing[]): string[] {
  return (all[0]?.worn ?? []).map(({ what }, i) => {
    const said = all.map(({ worn }) => (worn[i] as Worn).said);
    const inTime = said.filter((one) => one !== undefined && one.deviations < wearTo) as Exclude<Worn['said'], undefined>[];
    const deviations = inTime.map((one) => one.deviations);
    return `| ${[
      machine,
      what,
      `${inTime.length} of ${all.length}`,
      inTime.filter(({ rule }) => rule === 'warning').length,
      medianOf(inTime.map(({ days }) => days)).toFixed(1),
      medianOf(deviations).toFixed(2),
      inTime.length === all.length ? Math.max(...deviations).toFixed(2) : 'never',
    ].join(' | ')} |`;
  });
}
