import { type AlarmCause, type AlarmRule, type AlarmState, type Finding, isStanding, type StandingAlarm } from '../core/alarm.ts';
import { type AlarmFlags, activate, deactivate, restingFlags, stateOf } from './alarm-state.ts';
import { DelayedCondition, type SavedCondition } from './condition.ts';
import type { AlarmSettings } from './settings.ts';

/** What is said of a condition the moment it changes. */
export interface Explanation {
  readonly ratio: number | null;
  readonly message: string;
  readonly findings: readonly Finding[];
  readonly cause?: AlarmCause;
  readonly model: string | null;
  readonly provisional?: boolean;
}

export interface StateChange {
  readonly from: AlarmState;
  readonly to: AlarmState;
}

/** One alarm of one asset: a rule, for a tag rule its tag, its condition with delays, and its state. */
export class AlarmPoint {
  readonly rule: AlarmRule;
  readonly tag: string | null;
  readonly advice: string | null;
  readonly consequence: string | null;
  readonly condition: DelayedCondition;
  readonly #settings: AlarmSettings;
  flags: AlarmFlags = restingFlags;
  sinceMs = 0;
  /** Since when it stands or, while it does not, stood last; acknowledging does not begin it anew. */
  stoodSinceMs = 0;
  explanation: Explanation = { ratio: null, message: '', findings: [], model: null };
  lastTransition = '';
  /** Of this raising: `keepOpen` has been said. */
  #keptOpen = false;

  constructor(
    rule: AlarmRule,
    tag: string | null,
    settings: AlarmSettings,
    given: { onDelayMs: number; offDelayMs: number; advice: string | null; consequence: string | null },
  ) {
    this.rule = rule;
    this.tag = tag;
    this.#settings = settings;
    // A detector has a memory of its own.
    const steadies = rule !== 'anomaly' && rule !== 'drift';
    this.advice = given.advice;
    this.consequence = given.consequence;
    this.condition = new DelayedCondition(given.onDelayMs, given.offDelayMs, steadies);
  }

  get state(): AlarmState {
    return stateOf(this.flags);
  }

  /** A verdict on the raw condition. Returns the change of state it brought, if any. */
  judge(raw: boolean | undefined, atMs: number, explain: () => Explanation): StateChange | undefined {
    if (!this.condition.update(raw, atMs)) return undefined;
    const { active } = this.condition;
    if (active) {
      this.explanation = explain();
      this.#keptOpen = false;
    }
    return this.change(active ? activate(this.flags) : deactivate(this.flags, this.#settings.latching, this.#settings.acknowledge), atMs);
  }

  /** Puts other flags in place. Returns the change of state, if the state's word changed. */
  change(flags: AlarmFlags, atMs: number): StateChange | undefined {
    const from = this.state;
    this.flags = flags;
    const to = this.state;
    if (from === to) return undefined;
    this.sinceMs = atMs;
    if (isStanding(to) && !isStanding(from)) this.stoodSinceMs = atMs;
    return { from, to };
  }

  /** The condition stands and will be over without having been mended: from now on only a person ends it. Returns whether that is new. */
  keepOpen(): boolean {
    if (!this.flags.active || this.#keptOpen) return false;
    this.#keptOpen = true;
    this.flags = { ...this.flags, latched: true };
    const { message, cause } = this.explanation;
    this.explanation = {
      ...this.explanation,
      cause: { ...cause, keptOpen: true },
      message: `${message}; unchanged for long, watched on from here: a fault (real) or newNormal?`,
    };
    return true;
  }

  /** What a change of state is announced with: one that ends the condition says so, and what it was. */
  messageOf({ from, to }: StateChange, { message } = this.explanation): string {
    const ended = (to === 'normal' || to === 'returnedUnacknowledged' || to.startsWith('latched')) && isStanding(from);
    return ended && message !== '' ? `over: ${message}` : message;
  }

  standing(): StandingAlarm {
    return {
      rule: this.rule,
      tag: this.tag,
      state: this.state,
      kind: this.#settings.kind,
      priority: this.#settings.priority,
      sinceMs: this.sinceMs,
      ratio: this.explanation.ratio,
      message: this.explanation.message,
      findings: this.explanation.findings,
      ...(this.explanation.cause !== undefined && { cause: this.explanation.cause }),
      advice: this.advice,
      consequence: this.consequence,
      provisional: this.explanation.provisional === true,
      transition: this.lastTransition,
      shelvedUntilMs: this.flags.shelvedUntilMs,
    };
  }

  save(): SavedPoint {
    const { rule, tag, flags, sinceMs, stoodSinceMs, explanation, lastTransition } = this;
    return {
      rule,
      tag,
      flags,
      sinceMs,
      stoodSinceMs,
      explanation,
      lastTransition,
      condition: this.condition.save(),
      keptOpen: this.#keptOpen,
    };
  }

  restore(saved: SavedPoint): void {
    this.flags = saved.flags;
    this.sinceMs = saved.sinceMs;
    this.stoodSinceMs = saved.stoodSinceMs ?? saved.sinceMs;
    this.explanation = saved.explanation;
    this.lastTransition = saved.lastTransition;
    this.condition.restore(saved.condition);
    this.#keptOpen = saved.keptOpen ?? false;
  }
}

export interface SavedPoint {
  readonly rule: AlarmRule;
  readonly tag: string | null;
  readonly flags: AlarmFlags;
  readonly sinceMs: number;
  /** Absent in what versions before wrote. */
  readonly stoodSinceMs?: number;
  readonly explanation: Explanation;
  readonly lastTransition: string;
  readonly condition: SavedCondition;
  readonly keptOpen?: boolean;
}
