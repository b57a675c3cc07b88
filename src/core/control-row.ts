/**
 * What the fold needs besides samples, written to the journal in order of arrival so that a replay takes the same
 * decisions. Indices are the journal's (names table); times are wall time.
 */
export type ControlRow =
  /** The process started here. */
  | { readonly kind: 'start'; readonly atMs: number; readonly version: string }
  /** The sources named are connected, caught up and silent: they no longer hold back the windows of these assets. */
  | { readonly kind: 'idle'; readonly atMs: number; readonly sources: readonly number[] }
  /** The clock went on while nothing was heard: windows of silent assets close, delays and shelving end. */
  | {
      readonly kind: 'clock';
      readonly atMs: number;
      /** [source, ms]: how far each source's time is behind the clock: it goes on from its newest time stamp. */
      readonly lags: readonly (readonly [number, number])[];
    }
  /** A person or program asked for something. */
  | { readonly kind: 'command'; readonly atMs: number; readonly command: AlarmCommand }
  /** From here on the asset is judged by this bundle (its folder, below `data`), which was learnt here or installed. `by`: the person who chose it; null: it follows from learning. `pinned`: learning is not to replace it. */
  | {
      readonly kind: 'model';
      readonly atMs: number;
      readonly asset: string;
      readonly bundle: string;
      readonly by: string | null;
      readonly pinned?: boolean;
    }
  /** From here on this bundle judges the asset in the shadow, beside the one in force; null: none does any more. `reason`: why it was learnt. */
  | { readonly kind: 'candidate'; readonly atMs: number; readonly asset: string; readonly bundle: string | null; readonly reason: string }
  /** Samples that were acknowledged without being kept (disk full). */
  | { readonly kind: 'gap'; readonly atMs: number; readonly fromMs: number; readonly toMs: number; readonly samples: number };

export const commandVerbs = [
  'acknowledge',
  'shelve',
  'unshelve',
  'suppress',
  'unsuppress',
  'outOfService',
  'inService',
  'reset',
  'newNormal',
  'real',
  'false',
  'planned',
  'comment',
  'maintenanceStart',
  'maintenanceEnd',
  'tagReplaced',
] as const;
export type CommandVerb = (typeof commandVerbs)[number];

/** What a person says an alarm was, or a stretch of time: a fault, nothing, or work on the machine. Learning goes by it. */
export const verdictVerbs = ['real', 'false', 'planned'] as const;
export type VerdictVerb = (typeof verdictVerbs)[number];

export const isVerdict = (verb: CommandVerb): verb is VerdictVerb => (verdictVerbs as readonly string[]).includes(verb);

/** What is kept whether an alarm stands or not, since it says something. */
export const isSaid = (verb: CommandVerb): boolean => isVerdict(verb) || verb === 'newNormal' || verb === 'comment';

/** A shift: how long work on a machine lasts where nobody says. */
export const maintenanceMs = 28_800_000;

export interface AlarmCommand {
  readonly verb: CommandVerb;
  readonly asset: string;
  /** All alarms of the asset when absent. */
  readonly rule?: string;
  readonly tag?: string;
  readonly by: string;
  readonly comment?: string;
  /** `shelve` and `maintenanceStart`: how long. */
  readonly forMs?: number;
  /** `maintenanceEnd`: the detector's baseline begins anew. */
  readonly rebaseline?: boolean;
  /** A verdict: the stretch it is about, event time. Without an end it goes on as long as the alarm does. */
  readonly fromMs?: number;
  readonly toMs?: number;
}
