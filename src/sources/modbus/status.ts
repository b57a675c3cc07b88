import type { FettleError } from '../../core/errors.ts';
import type { SourceStatus, SourceUnitStatus } from '../../core/source.ts';
import type { ActiveBlock } from './active-block.ts';
import type { Unit } from './unit.ts';

type State = SourceStatus['state'];

/** How a unit fares: its own failure, or that of some of its reads, or that of the connection. */
export function unitStatus(
  unit: Unit,
  blocks: readonly ActiveBlock[],
  connectionError: FettleError | undefined,
  learned: readonly string[] = [],
): SourceUnitStatus {
  const failing = blocks.filter((block) => block.unit === unit && block.failure !== undefined);
  const error = connectionError ?? unit.failure ?? failing[0]?.failure;
  const further = connectionError === undefined && unit.failure === undefined ? failing.length - 1 : 0;
  return {
    name: `unit ${unit.id}`,
    state: stateOf(unit, failing.length, blocks.filter((block) => block.unit === unit).length, connectionError),
    ...(error !== undefined && {
      lastError: further > 0 ? `${textOf(failing[0], error)} (and ${further} more)` : textOf(failing[0], error),
    }),
    ...(error !== undefined && { code: error.code }),
    ...(error?.hint !== undefined && { hint: error.hint }),
    ...(unit.lastGoodMs !== undefined && { lastGoodMs: unit.lastGoodMs }),
    ...(learned.length > 0 && { learned }),
  };
}

function stateOf(unit: Unit, failing: number, all: number, connectionError: FettleError | undefined): State {
  if (connectionError !== undefined || unit.failure !== undefined || (failing > 0 && failing === all)) return 'failed';
  if (failing > 0) return 'degraded';
  return unit.lastGoodMs === undefined ? 'connecting' : 'good';
}

/** A refused read of one tag names it. */
function textOf(block: ActiveBlock | undefined, error: FettleError): string {
  const points = block?.failure === error ? block.block.points : [];
  return points.length === 1 ? `${points[0]?.name}: ${error.message}` : error.message;
}

/** The whole source: as good as its units, all of them. */
export function sourceState(units: readonly SourceUnitStatus[]): State {
  const has = (state: State) => units.some((unit) => unit.state === state);
  if (units.every(({ state }) => state === 'failed')) return 'failed';
  if (has('failed') || has('degraded')) return 'degraded';
  return has('connecting') ? 'connecting' : 'good';
}
