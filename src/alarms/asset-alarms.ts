import type { AlarmTransition, AssetAlarmState, Finding, Watched, Watching } from '../core/alarm.ts';
import { type AlarmCommand, isSaid, maintenanceMs } from '../core/control-row.ts';
import { FettleError } from '../core/errors.ts';
import { qualityWordOf } from '../core/quality.ts';
import type { InvalidReason } from '../core/window.ts';
import { AlarmPoint, type Explanation, type StateChange } from './alarm-point.ts';
import { rest, wake } from './alarm-state.ts';
import { commandedFlags, meantBy } from './commanded-flags.ts';
import { clockText, describeAnomaly, describeWatching, type Maintenance } from './explain.ts';
import { fills, type Mode, rests } from './resting.ts';
import type { SavedAlarms } from './saved-alarms.ts';
import type { AssetAlarmSettings } from './settings.ts';
import { TagSupervision } from './tag-supervision.ts';
import { transitionOf } from './transition-of.ts';

/** A final row as the alarms see it; the arrays are not kept. */
export interface AlarmRow {
  readonly endMs: number;
  readonly values: Float64Array;
  /** 0 own, 1 carried, 2 missing, 3 stale, 4 bad (windows' cellState). */
  readonly states: Uint8Array;
  readonly qualities: Uint8Array;
  readonly running: boolean;
}

export interface AlarmListener {
  transition(transition: AlarmTransition): void;
  /** The asset's retained document changed. */
  state(asset: number): void;
}

/**
 * All alarms of one asset: the anomaly, those of its tags, and "not watched". A fold over rows, scores, invalid windows, clock and
 * commands in event-time order; the wall clock is never read.
 */
export class AssetAlarms {
  readonly settings: AssetAlarmSettings;
  readonly #listener: AlarmListener;
  readonly #anomaly: AlarmPoint;
  readonly #drift: AlarmPoint;
  readonly #notWatched: AlarmPoint;
  readonly #tags: readonly TagSupervision[];
  readonly #points: readonly AlarmPoint[];
  sequence = 0;
  #nowMs = 0;
  #judgedMs = Number.NaN;
  /** The last row that went into a window which is not full yet. */
  #fillingMs = Number.NEGATIVE_INFINITY;
  #mode: Mode = 'running';
  #maintenance: Maintenance | null = null;
  /** What is made now, where nobody knows it yet. */
  #newContext: number | null = null;
  /** By column: since when it gives nothing usable, NaN while it does; and why. */
  readonly #silentSinceMs: Float64Array;
  readonly #silentQuality: Uint8Array;
  #watching: Watching;

  constructor(settings: AssetAlarmSettings, listener: AlarmListener) {
    this.settings = settings;
    this.#listener = listener;
    const { alarm } = settings;
    this.#anomaly = new AlarmPoint('anomaly', null, alarm, alarm);
    this.#drift = new AlarmPoint(
      'drift',
      null,
      { ...alarm, acknowledge: 'automatic', latching: false },
      { onDelayMs: 0, offDelayMs: 0, advice: null, consequence: null },
    );
    this.#notWatched = new AlarmPoint(
      'notWatched',
      null,
      { ...alarm, acknowledge: 'automatic', latching: false },
      { onDelayMs: 0, offDelayMs: 0, advice: null, consequence: alarm.consequence },
    );
    this.#tags = settings.supervised.map((tag) => new TagSupervision(tag, alarm));
    this.#points = [this.#anomaly, this.#drift, this.#notWatched, ...this.#tags.flatMap((tag) => tag.points)];
    this.#silentSinceMs = new Float64Array(settings.tags.length).fill(Number.NaN);
    this.#silentQuality = new Uint8Array(settings.tags.length);
    this.#watching = settings.hasModel || settings.learning ? 'learning' : 'no';
  }

  row(row: AlarmRow): void {
    this.#nowMs = row.endMs;
    let usable = 0;
    for (let column = 0; column < this.#silentSinceMs.length; column++) {
      if ((row.states[column] as number) < 2) {
        usable++;
        this.#silentSinceMs[column] = Number.NaN;
      } else if (Number.isNaN(this.#silentSinceMs[column])) {
        this.#silentSinceMs[column] = row.endMs;
        this.#silentQuality[column] = row.qualities[column] as number;
      }
    }
    this.#setMode(row.running ? 'running' : 'stopped', row.endMs);
    for (const tag of this.#tags) {
      const { column } = tag.settings;
      const state = row.states[column] as number;
      tag.row(
        {
          endMs: row.endMs,
          value: row.values[column] as number,
          own: state === 0,
          usable: state < 2,
          quality: row.qualities[column] as number,
        },
        (point, raw, atMs, explain) => this.#judge(point, raw, atMs, explain),
      );
    }
    if (!this.settings.hasModel && usable === this.settings.tags.length) this.#judged(row.endMs);
    this.#time(row.endMs);
  }

  /**
   * The verdict on one window. `findings` is asked only when something is raised. `active`: what a detector with a memory of its own has decided; without one the ratio
   * decides, with the deadband. `rearmed`: the alarm has stood so long that the detector watches on around it; what changed stays open until a person says what it is.
   */
  score(endMs: number, ratio: number, model: string, findings: () => readonly Finding[], active?: boolean, rearmed = false): void {
    this.#nowMs = Math.max(this.#nowMs, endMs);
    this.#judged(endMs);
    if (this.#newContext !== null) this.#setContext(null);
    // An alarm begins over the limit: what a detector still holds from before a stop ended with it.
    const ended = active === true && ratio <= 1 && this.#anomaly.condition.rests;
    const raw = ended ? false : (active ?? (ratio > 1 ? true : ratio <= 1 - this.settings.alarm.deadband ? false : undefined));
    this.#judge(this.#anomaly, raw, endMs, () => {
      const found = findings();
      return { ratio, message: describeAnomaly(ratio, found), findings: found, model, provisional: this.settings.provisional };
    });
    if (rearmed && this.#anomaly.keepOpen()) this.#listener.state(this.settings.asset);
    this.#time(endMs);
  }

  /** How far the asset has moved from its reference, over what is allowed; the channel that moved furthest. */
  slowChange(endMs: number, ratio: number, channel: string, model: string): void {
    const raw = ratio > 1 ? true : ratio <= 1 - this.settings.alarm.deadband ? false : undefined;
    this.#judge(this.#drift, raw, endMs, () => ({
      ratio,
      message: `slow change: ${channel} has left what the other channels explain, ${ratio.toFixed(1)} × the limit`,
      findings: [],
      cause: { channel },
      model,
      provisional: this.settings.provisional,
    }));
  }

  /** A row that says nothing new: the last verdict stands. */
  held(endMs: number): void {
    this.#judged(endMs);
    this.#time(endMs);
  }

  /** A row of a context that has no model yet. It is judged by nobody, which is as it should be. NaN: nobody knows which it is. */
  newContext(endMs: number, value: number): void {
    if (Number.isNaN(value) || this.#mode !== 'running') {
      this.#time(endMs);
      return;
    }
    this.#judged(endMs);
    if (value !== this.#newContext) {
      this.#setContext(value);
      // What was raised belonged to what was made before.
      for (const point of [this.#anomaly, this.#drift]) this.#judge(point, false, endMs, () => point.explanation);
    }
    this.#time(endMs);
  }

  #setContext(value: number | null): void {
    this.#newContext = value;
    this.#listener.state(this.settings.asset);
  }

  /** A row or window without a score. While a window fills, a verdict is on its way: nobody says "not watched" then, and what stands of that ends with the verdict. */
  invalid(endMs: number, reason?: InvalidReason): void {
    if (fills(reason) && !this.#notWatched.condition.active) this.#fillingMs = endMs;
    if (reason === 'filling' && this.#newContext !== null) this.#setContext(null);
    this.#time(endMs);
  }

  /** The clock went on without samples. */
  clock(atMs: number): void {
    this.#time(atMs - this.settings.allowedLatenessMs);
  }

  /** Throws FETTLE_COMMAND_INVALID when the asset has no such alarm or it is not in a state for it. */
  command(command: AlarmCommand, atMs: number): void {
    if (command.verb === 'maintenanceStart' || command.verb === 'maintenanceEnd') {
      this.#maintain(command, atMs);
      return;
    }
    if (command.verb === 'tagReplaced') {
      this.#say(this.#anomaly, atMs, command);
      return;
    }
    const points = meantBy(command, this.#points);
    const before = this.sequence;
    const unchanged: AlarmPoint[] = [];
    for (const point of points) {
      const flags = commandedFlags(point, command, atMs);
      if (flags === undefined) continue;
      if (command.verb === 'newNormal') point.condition.clear();
      const change = point.change(flags, atMs);
      if (change === undefined) unchanged.push(point);
      else this.#emit(point, change, atMs, command);
    }
    if (!isSaid(command.verb)) {
      // Shelved for longer, acknowledged while shelved: no other state, and still somebody did it.
      for (const point of unchanged) this.#say(point, atMs, command);
    } else if (this.sequence === before) {
      // "New normal" is for the detector, a verdict for learning, whether anything stands or not.
      const about = points.find(({ state }) => state !== 'normal') ?? points[0] ?? (command.verb === 'comment' ? undefined : this.#anomaly);
      if (about !== undefined) this.#say(about, atMs, command);
    }
    if (this.sequence === before) {
      throw new FettleError(
        'FETTLE_COMMAND_INVALID',
        `${command.asset} has no alarm to ${command.verb}${command.rule === undefined ? '' : ` (${command.rule})`}`,
      );
    }
  }

  document(): AssetAlarmState {
    const alarms = this.#points.filter((point) => point.state !== 'normal').map((point) => point.standing());
    const active = alarms.some(({ state }) => state !== 'suppressedByDesign' && state !== 'shelved' && state !== 'outOfService');
    return {
      asset: this.settings.id,
      sequence: this.sequence,
      state: active ? 'active' : 'normal',
      watching: this.#watching,
      watchingText: describeWatching(this.#watched()),
      watched: this.#watched(),
      alarms,
      atMs: this.#nowMs,
    };
  }

  save(): SavedAlarms {
    const finite = (value: number): number | null => (Number.isNaN(value) ? null : value);
    return {
      sequence: this.sequence,
      nowMs: this.#nowMs,
      judgedMs: finite(this.#judgedMs),
      ...(Number.isFinite(this.#fillingMs) && { fillingMs: this.#fillingMs }),
      running: this.#mode === 'running',
      maintenance: this.#maintenance,
      newContext: this.#newContext,
      watching: this.#watching,
      tags: this.settings.tags,
      silentSinceMs: Array.from(this.#silentSinceMs, finite),
      silentQuality: [...this.#silentQuality],
      points: this.#points.map((point) => point.save()),
      supervision: this.#tags.map((tag) => [tag.settings.tag, tag.save()]),
    };
  }

  restore(saved: SavedAlarms): void {
    this.sequence = saved.sequence;
    this.#nowMs = saved.nowMs;
    this.#judgedMs = saved.judgedMs ?? Number.NaN;
    this.#fillingMs = saved.fillingMs ?? Number.NEGATIVE_INFINITY;
    this.#maintenance = saved.maintenance ?? null;
    this.#newContext = saved.newContext ?? null;
    this.#mode = this.#maintenance !== null ? 'maintenance' : saved.running ? 'running' : 'stopped';
    this.#watching = saved.watching;
    saved.tags.forEach((tag, i) => {
      const column = this.settings.tags.indexOf(tag);
      if (column < 0) return;
      this.#silentSinceMs[column] = saved.silentSinceMs[i] ?? Number.NaN;
      this.#silentQuality[column] = saved.silentQuality[i] as number;
    });
    for (const point of saved.points) this.#points.find(({ rule, tag }) => rule === point.rule && tag === point.tag)?.restore(point);
    for (const [tag, state] of saved.supervision) this.#tags.find(({ settings }) => settings.tag === tag)?.restore(state);
  }

  #judge(point: AlarmPoint, raw: boolean | undefined, atMs: number, explain: () => Explanation): void {
    if (rests(point, this.#mode)) return;
    this.#emit(point, point.judge(raw, atMs, explain), atMs);
  }

  #judged(atMs: number): void {
    this.#judgedMs = atMs;
  }

  /** Event time has reached `atMs`: not watched, shelving that ends, what is being watched. */
  #time(atMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, atMs);
    if (Number.isNaN(this.#judgedMs)) this.#judgedMs = atMs;
    // Nobody said that it is over, and no row may come to show it.
    if (this.#maintenance !== null && atMs > this.#maintenance.untilMs) this.#setMode('running', atMs);
    for (const point of this.#points) {
      const until = point.flags.shelvedUntilMs;
      if (until !== null && atMs >= until) this.#emit(point, point.change({ ...point.flags, shelvedUntilMs: null }, atMs), atMs);
    }
    const { notWatchedAfterMs } = this.settings.alarm;
    const unwatchedMs = atMs - Math.max(this.#judgedMs, this.#fillingMs);
    this.#judge(this.#notWatched, unwatchedMs >= notWatchedAfterMs, atMs, () => ({
      ratio: null,
      message: `not watched since ${clockText(this.#judgedMs)}: ${describeWatching(this.#watched())}`,
      findings: [],
      cause: { sinceMs: this.#judgedMs },
      model: null,
    }));
    this.#setWatching();
  }

  #setWatching(): void {
    const silent = this.#silentSinceMs.reduce((sum, since) => sum + (Number.isNaN(since) ? 0 : 1), 0);
    const next: Watching =
      this.#notWatched.condition.active || silent === this.#silentSinceMs.length
        ? 'no'
        : silent > 0
          ? 'partial'
          : this.#judgedOnce()
            ? this.settings.learning
              ? 'learning'
              : 'yes'
            : this.#watching;
    if (next === this.#watching) return;
    this.#watching = next;
    this.#listener.state(this.settings.asset);
  }

  #judgedOnce(): boolean {
    return !Number.isNaN(this.#judgedMs) && (this.#judgedMs === this.#nowMs || this.#watching !== 'learning');
  }

  #watched(): Watched {
    const { tags, learning, provisional, context } = this.settings;
    const silent = tags.flatMap((tag, column) => {
      const sinceMs = this.#silentSinceMs[column] as number;
      return Number.isNaN(sinceMs) ? [] : [{ tag, sinceMs, quality: qualityWordOf(this.#silentQuality[column] as number) }];
    });
    const made = this.#newContext;
    const newContext = made === null || context === undefined ? null : { label: context.label, name: context.nameOf(made) };
    const stopped = this.#mode === 'stopped';
    return { tags: tags.length, silent, stopped, maintenance: this.#maintenance, learning, provisional, newContext };
  }

  /** Why its rows say nothing: people work on it, or it stands still. */
  get resting(): 'maintenance' | 'stopped' | undefined {
    return this.#mode === 'running' ? undefined : this.#mode;
  }

  #maintain(command: AlarmCommand, atMs: number): void {
    const { verb, forMs = maintenanceMs, by, comment } = command;
    const before = this.sequence;
    this.#maintenance = verb === 'maintenanceStart' ? { untilMs: atMs + forMs, by, reason: comment ?? null } : null;
    this.#setMode('running', atMs, command);
    if (this.sequence === before) this.#say(this.#anomaly, atMs, command);
    this.#listener.state(this.settings.asset);
  }

  /** `found`: what its rows say; work on the machine goes before that. */
  #setMode(found: Exclude<Mode, 'maintenance'>, atMs: number, command?: AlarmCommand): void {
    if (this.#maintenance !== null && atMs > this.#maintenance.untilMs) this.#maintenance = null;
    const before = this.#mode;
    const mode = this.#maintenance === null ? found : 'maintenance';
    if (mode === before) return;
    this.#mode = mode;
    if (mode === 'running') this.#judged(atMs);
    for (const point of this.#points) {
      const [rested, resting] = [rests(point, before), rests(point, mode)];
      if (rested === resting || (resting && point.rule !== 'anomaly' && point.state === 'normal')) continue;
      if (resting) point.condition.clear();
      this.#emit(point, point.change(resting ? rest(point.flags) : wake(point.flags), atMs), atMs, command);
    }
    this.#listener.state(this.settings.asset);
  }

  #emit(point: AlarmPoint, change: StateChange | undefined, atMs: number, command?: AlarmCommand): void {
    if (change === undefined) return;
    const transition = transitionOf(this.settings, point, change, { sequence: ++this.sequence, atMs, command });
    if (change.from !== change.to) point.lastTransition = transition.id;
    this.#listener.transition(transition);
    this.#listener.state(this.settings.asset);
  }

  /** Somebody said something of an alarm, which stays as it is. */
  #say(point: AlarmPoint, atMs: number, command: AlarmCommand): void {
    this.#emit(point, { from: point.state, to: point.state }, atMs, command);
  }
}
