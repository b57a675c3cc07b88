import { type AlarmTransition, isStanding, priorities } from '../../core/alarm.ts';
import type { NoticeConfig } from './config.ts';

export type Kind = NoticeConfig['when'][number];

const ended: ReadonlySet<AlarmTransition['to']> = new Set([
  'normal',
  'returnedUnacknowledged',
  'latchedUnacknowledged',
  'latchedAcknowledged',
]);

/** What a transition means to a person; undefined: nothing that would be told. */
export function kindOf({ from, to }: AlarmTransition): Kind | undefined {
  // Somebody said something of it.
  if (from === to) return undefined;
  if (to === 'unacknowledged') return isStanding(from) ? undefined : 'raised';
  if (isStanding(from)) return to === 'acknowledged' ? 'acknowledged' : ended.has(to) ? 'over' : undefined;
  return from === 'latchedUnacknowledged' && to === 'latchedAcknowledged' ? 'acknowledged' : undefined;
}

const atLeast = (priority: AlarmTransition['priority'], least: AlarmTransition['priority']): boolean =>
  priorities.indexOf(priority) >= priorities.indexOf(least);

/** By what the transition itself says, whatever was before it. */
export function isWanted(transition: AlarmTransition, { when, priority, assets, provisional }: NoticeConfig): boolean {
  const kind = kindOf(transition);
  return (
    kind !== undefined &&
    when.includes(kind) &&
    atLeast(transition.priority, priority) &&
    (assets === undefined || assets.includes(transition.asset)) &&
    (provisional || !transition.provisional) &&
    transition.withdrawn !== true
  );
}

const minuteOf = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));

/** Whether a moment lies in the quiet hours. */
export function isQuiet(atMs: number, { from, to, timeZone }: NonNullable<NoticeConfig['quiet']>): boolean {
  const parts = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone }).format(new Date(atMs));
  const [now, begin, end] = [minuteOf(parts), minuteOf(from), minuteOf(to)];
  return begin <= end ? now >= begin && now < end : now >= begin || now < end;
}

const rememberedBound = 10_000;

/** What is left of the wanted ones after quiet hours, repeats and age. Remembers only what was really told. */
export class NoticeFilter {
  readonly #config: NoticeConfig;
  /** Alarm and kind → when it was told last, event time. */
  readonly #told = new Map<string, number>();
  readonly counters = { told: 0, quiet: 0, repeated: 0, tooOld: 0 };
  /** Kept back in quiet hours since the last notice. */
  quietSince = 0;

  constructor(config: NoticeConfig) {
    this.#config = config;
  }

  /** In order. `nowMs`: wall time. */
  choose(transitions: readonly AlarmTransition[], nowMs: number): { readonly tell: readonly AlarmTransition[]; done(): void } {
    const { quiet, repeatAfter, maxAge } = this.#config;
    const tell: AlarmTransition[] = [];
    const fresh = new Map<string, number>();
    const kept = { quiet: 0, repeated: 0, tooOld: 0 };
    for (const transition of transitions) {
      const { asset, rule, tag, atMs, priority } = transition;
      const key = JSON.stringify([asset, rule, tag, kindOf(transition)]);
      const before = fresh.get(key) ?? this.#told.get(key);
      if (nowMs - atMs > maxAge) kept.tooOld++;
      else if (quiet !== undefined && isQuiet(atMs, quiet) && !atLeast(priority, quiet.except)) kept.quiet++;
      else if (before !== undefined && atMs - before < repeatAfter) kept.repeated++;
      else {
        fresh.set(key, atMs);
        tell.push(transition);
      }
    }
    const done = (): void => {
      for (const [key, atMs] of fresh) {
        this.#told.delete(key);
        this.#told.set(key, atMs);
      }
      for (const key of this.#told.keys()) {
        if (this.#told.size <= rememberedBound) break;
        this.#told.delete(key);
      }
      this.quietSince = (tell.length > 0 ? 0 : this.quietSince) + kept.quiet;
      this.counters.told += tell.length;
      this.counters.quiet += kept.quiet;
      this.counters.repeated += kept.repeated;
      this.counters.tooOld += kept.tooOld;
    };
    return { tell, done };
  }
}
