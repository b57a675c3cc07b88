import { type AlarmTransition, isStanding } from '../core/alarm.ts';
import { type AlarmCommand, isVerdict } from '../core/control-row.ts';
import type { AlarmPoint, Explanation, StateChange } from './alarm-point.ts';
import type { AssetAlarmSettings } from './settings.ts';

/** What is told of a change of state, or of a word that changed none (`from` and `to` are the same). */
export function transitionOf(
  { id, alarm }: AssetAlarmSettings,
  point: AlarmPoint,
  change: StateChange,
  { sequence, atMs, command }: { readonly sequence: number; readonly atMs: number; readonly command: AlarmCommand | undefined },
): AlarmTransition {
  const { from, to } = change;
  const { rule, tag, advice, consequence } = point;
  // What is said of the machine as a whole says nothing of what was raised last.
  const explanation = from === to && isOfAsset(command) ? nothing : point.explanation;
  const name = tag === null ? rule : `${rule}:${tag}`;
  return {
    // Two people may say something within a millisecond, and it changes nothing by which they could be told apart.
    id: `${id}:${name}:${atMs}:${from}>${to}${from === to && command !== undefined ? `:${command.verb}:${sequence}` : ''}`,
    sequence,
    asset: id,
    rule,
    tag,
    kind: alarm.kind,
    priority: rule === 'drift' ? 'low' : alarm.priority,
    from,
    to,
    atMs,
    ...(isStanding(from) && !isStanding(to) && { stoodSinceMs: point.stoodSinceMs }),
    ratio: explanation.ratio,
    message: command?.verb === 'tagReplaced' ? `${command.tag} has a new sensor` : point.messageOf(change, explanation),
    findings: explanation.findings,
    ...(explanation.cause !== undefined && { cause: explanation.cause }),
    advice,
    consequence,
    provisional: explanation.provisional === true,
    model: explanation.model,
    by: command?.by ?? null,
    comment: command?.comment ?? null,
    verb: command?.verb ?? null,
    ...aboutOf(command),
  };
}

const nothing: Explanation = { ratio: null, message: '', findings: [], model: null };

const isOfAsset = (command: AlarmCommand | undefined): boolean =>
  command?.verb === 'tagReplaced' || command?.verb === 'maintenanceStart' || command?.verb === 'maintenanceEnd';

function aboutOf(command: AlarmCommand | undefined): Pick<AlarmTransition, 'about'> {
  if (command?.fromMs === undefined || !isVerdict(command.verb)) return {};
  return { about: { fromMs: command.fromMs, toMs: command.toMs ?? null } };
}
