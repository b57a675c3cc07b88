import type { AssetAlarmState } from '../../core/alarm.ts';
import { retainedStateSchema } from './schemas.ts';

/** What a retained `…/alarm` document of before the start said. */
export interface RetainedState {
  readonly asset: string;
  readonly sequence: number;
  /** Ids of the transitions that brought its standing alarms; in a reconciliation only those recovery does not know. */
  readonly standing: readonly string[];
}

export interface Reconciliation {
  /** Documents ahead of what recovery found: their unknown transitions are to be withdrawn. */
  readonly ahead: readonly RetainedState[];
  /** Assets that left the configuration: their topics are to be cleared. */
  readonly gone: readonly string[];
}

/** `undefined` for what is no state document. */
export function parseRetained(asset: string, payload: Buffer): RetainedState | undefined {
  try {
    const parsed = retainedStateSchema.safeParse(JSON.parse(payload.toString()));
    if (!parsed.success) return undefined;
    const { sequence, alarms } = parsed.data;
    return { asset, sequence, standing: alarms.map(({ transition }) => transition) };
  } catch {
    return undefined;
  }
}

/**
 * Retained documents against recovered states. A document is ahead when its sequence is, or when it names, at the same
 * sequence, a transition that recovery did not come to; one that is behind is only out of date.
 */
export function reconcileStates(
  retained: readonly (RetainedState | { readonly asset: string })[],
  states: readonly AssetAlarmState[],
): Reconciliation {
  const recovered = new Map(states.map((state) => [state.asset, state]));
  const found: RetainedState[] = [];
  const gone: string[] = [];
  for (const document of retained) {
    const state = recovered.get(document.asset);
    if (!state) {
      gone.push(document.asset);
      continue;
    }
    if (!('sequence' in document)) continue;
    const known = new Set(state.alarms.map(({ transition }) => transition));
    const standing = document.standing.filter((id) => !known.has(id));
    const ahead = document.sequence > state.sequence || (document.sequence === state.sequence && standing.length > 0);
    if (ahead) found.push({ ...document, standing });
  }
  return { ahead: found, gone };
}
