import type { AlarmCause, AlarmRule } from '../core/alarm.ts';
import { formatDuration } from '../core/duration.ts';
import { qualityWordOf } from '../core/quality.ts';
import { AlarmPoint, type Explanation } from './alarm-point.ts';
import { clockText, describeLimit, describeQuality, formatValue } from './explain.ts';
import type { AlarmSettings, TagSettings } from './settings.ts';

/** The supervised column of one final row. `own`: samples of the row itself, nothing carried forward. */
export interface ColumnVerdict {
  readonly endMs: number;
  readonly value: number;
  readonly own: boolean;
  readonly usable: boolean;
  readonly quality: number;
}

type Judge = (point: AlarmPoint, raw: boolean | undefined, atMs: number, explain: () => Explanation) => void;

const limitRules = ['hihi', 'hi', 'lo', 'lolo', 'rate'] as const;

/** Limits, rate of change, flatline and bad quality of one tag: ordinary alarms through the same machinery as anomalies. */
export class TagSupervision {
  readonly settings: TagSettings;
  readonly points: readonly AlarmPoint[];
  #previousValue = Number.NaN;
  #previousMs = 0;
  #changedMs = Number.NaN;
  #badSinceMs = Number.NaN;

  constructor(settings: TagSettings, alarm: AlarmSettings) {
    this.settings = settings;
    const rules: AlarmRule[] = limitRules.filter((rule) => settings.limits[rule] !== undefined);
    if (settings.flatlineMs !== null) rules.push('flatline');
    if (settings.badQualityMs !== null) rules.push('badQuality');
    this.points = rules.map((rule) => new AlarmPoint(rule, settings.tag, alarm, { ...settings, consequence: null }));
  }

  /** Judges the row by every rule of the tag. `judge` turns a verdict into transitions. */
  row(verdict: ColumnVerdict, judge: Judge): void {
    const { settings } = this;
    const { endMs, value, own, usable } = verdict;
    if (usable) this.#badSinceMs = Number.NaN;
    else if (Number.isNaN(this.#badSinceMs)) this.#badSinceMs = endMs;
    const rate =
      own && endMs > this.#previousMs ? Math.abs((value - this.#previousValue) / ((endMs - this.#previousMs) / 1000)) : Number.NaN;
    if (own && value !== this.#previousValue) this.#changedMs = endMs;
    for (const point of this.points) {
      const { rule } = point;
      if (rule === 'badQuality') {
        const raw = !usable && endMs - this.#badSinceMs >= (settings.badQualityMs as number);
        const since = this.#badSinceMs;
        const why = qualityWordOf(verdict.quality);
        judge(point, raw, endMs, () =>
          plain(`${settings.tag} ${describeQuality(why)} since ${clockText(since)}`, { sinceMs: since, quality: why }),
        );
      } else if (rule === 'flatline') {
        if (!own) continue;
        const flatMs = endMs - this.#changedMs;
        const { tag, engineeringUnit } = settings;
        const unit = engineeringUnit === null ? '' : ` ${engineeringUnit}`;
        const since = this.#changedMs;
        judge(point, flatMs >= (settings.flatlineMs as number), endMs, () => ({
          ...plain(`${tag} has not moved from ${formatValue(value)}${unit} for ${formatDuration(flatMs)}`, { sinceMs: since }),
          findings: [{ tag, value, expected: null, engineeringUnit, share: null }],
        }));
      } else if (own) {
        const limit = settings.limits[rule as keyof TagSettings['limits']] as number;
        const observed = rule === 'rate' ? rate : value;
        if (Number.isNaN(observed)) continue;
        judge(point, beyond(rule, observed, limit, settings.deadband), endMs, () => ({
          ratio: limit === 0 ? null : observed / limit,
          message: describeLimit(rule, settings.tag, observed, limit, settings.engineeringUnit),
          findings: [{ tag: settings.tag, value: observed, expected: null, engineeringUnit: settings.engineeringUnit, share: null }],
          model: null,
          cause: { limit },
        }));
      }
    }
    if (own) {
      this.#previousValue = value;
      this.#previousMs = endMs;
    }
  }

  save(): (number | null)[] {
    return [this.#previousValue, this.#previousMs, this.#changedMs, this.#badSinceMs].map((value) => (Number.isNaN(value) ? null : value));
  }

  restore(saved: readonly (number | null)[]): void {
    [this.#previousValue, this.#previousMs, this.#changedMs, this.#badSinceMs] = saved.map((value) => value ?? Number.NaN) as [
      number,
      number,
      number,
      number,
    ];
  }
}

function beyond(rule: AlarmRule, value: number, limit: number, deadband: number): boolean | undefined {
  if (rule === 'lo' || rule === 'lolo') return value < limit ? true : value >= limit + deadband ? false : undefined;
  return value > limit ? true : value <= limit - deadband ? false : undefined;
}

const plain = (message: string, cause: AlarmCause): Explanation => ({ ratio: null, message, findings: [], model: null, cause });
