import type { ActiveBlock } from './active-block.ts';
import type { Cycle } from './cycle.ts';
import type { Unit } from './unit.ts';

export interface Turn {
  readonly cycle: Cycle;
  readonly active: ActiveBlock;
}

/**
 * Takes the next read off the cycles: the one with the earliest deadline first, which keeps every period where that is possible
 * at all (Liu and Layland 1973); the probe of a failed unit only when nothing else waits. Units that are not `isFree` are passed over.
 * `nowMs` is monotonic.
 */
export const takeNext = (cycles: readonly Cycle[], nowMs: number, isFree: (unit: Unit) => boolean = () => true): Turn | undefined =>
  take(cycles, (unit) => unit.failure === undefined && unit.mayBeAsked(nowMs) && isFree(unit)) ??
  take(cycles, (unit) => unit.failure !== undefined && unit.mayBeAsked(nowMs) && isFree(unit));

function take(cycles: readonly Cycle[], may: (unit: Unit) => boolean): Turn | undefined {
  let best: Cycle | undefined;
  let position = -1;
  for (const cycle of cycles) {
    if (cycle.pending.length === 0 || (best !== undefined && best.deadlineMs <= cycle.deadlineMs)) continue;
    const found = cycle.pending.findIndex(({ unit }) => may(unit));
    if (found < 0) continue;
    best = cycle;
    position = found;
  }
  const active = best?.pending.splice(position, 1)[0];
  return best === undefined || active === undefined ? undefined : { cycle: best, active };
}
