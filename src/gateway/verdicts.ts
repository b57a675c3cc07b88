import { type AlarmTransition, isStanding } from '../core/alarm.ts';
import { type AlarmCommand, type ControlRow, isVerdict, type VerdictVerb } from '../core/control-row.ts';
import { FettleError } from '../core/errors.ts';
import type { Journal } from '../journal/journal.ts';

/** A stretch in which the detector stood in alarm or warned of a slow change, event time. */
export interface Episode {
  readonly rule: 'anomaly' | 'drift';
  readonly fromMs: number;
  /** Infinite while it stands. */
  readonly toMs: number;
  readonly provisional: boolean;
}

/** What a person said of a stretch of time. */
export interface Stretch {
  readonly verdict: VerdictVerb;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Of an asset (journal index), oldest first, from its transitions that the journal keeps. */
export async function episodesOf(journal: Journal, asset: number): Promise<Episode[]> {
  const rows = await journal.query<{ document: string }>('SELECT document FROM transitions WHERE asset = ? ORDER BY sequence', asset);
  const episodes: Episode[] = [];
  const open = new Map<Episode['rule'], Episode>();
  for (const { document } of rows) {
    const { rule, to, atMs, provisional } = JSON.parse(document) as AlarmTransition;
    if (rule !== 'anomaly' && rule !== 'drift') continue;
    const begun = open.get(rule);
    if (begun === undefined && isStanding(to)) open.set(rule, { rule, fromMs: atMs, toMs: Number.POSITIVE_INFINITY, provisional });
    else if (begun !== undefined && !isStanding(to)) {
      episodes.push({ ...begun, toMs: atMs });
      open.delete(rule);
    }
  }
  return [...episodes, ...open.values()].sort((a, b) => a.fromMs - b.fromMs);
}

/**
 * A verdict says what stretch it is about: the one given, else the last alarm of the asset. Throws FETTLE_COMMAND_INVALID where there was none.
 */
export function placed(command: AlarmCommand, episodes: readonly Episode[]): AlarmCommand {
  if (!isVerdict(command.verb) || command.fromMs !== undefined) return command;
  const meant = episodes.findLast(({ rule }) => command.rule === undefined || command.rule === rule);
  if (meant === undefined) {
    throw new FettleError('FETTLE_COMMAND_INVALID', `${command.asset} has raised nothing that could be ${command.verb}`, {
      hint: 'say from when to when it is meant: from and to',
    });
  }
  return { ...command, fromMs: meant.fromMs, ...(Number.isFinite(meant.toMs) && { toMs: meant.toMs }) };
}

/** What a control row says of a stretch of the asset, if it does; one without an end is as long as the alarm it was said of. */
export function stretchOf(row: ControlRow, asset: string, episodes: readonly Episode[]): Stretch | undefined {
  if (row.kind !== 'command' || row.command.asset !== asset || !isVerdict(row.command.verb)) return undefined;
  const { verb, fromMs, toMs } = row.command;
  if (fromMs === undefined) return undefined;
  const meant = episodes.find((episode) => episode.fromMs === fromMs);
  return { verdict: verb, fromMs, toMs: toMs ?? meant?.toMs ?? row.atMs };
}
