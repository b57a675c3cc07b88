import type { AlarmRule, Finding, Watched } from '../core/alarm.ts';
import { type QualityWord, quality, qualityText } from '../core/quality.ts';

/** Work on the machine, as a person announced it. */
export type Maintenance = NonNullable<Watched['maintenance']>;

/** Four significant digits at most, no exponent for what a gauge shows. */
export function formatValue(value: number): string {
  if (value === 0) return '0';
  const magnitude = Math.abs(value);
  if (magnitude >= 1e6 || magnitude < 1e-3) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}

/** "oil-temp 71.4 °C, expected 58 to 63" */
export function describeFinding({ tag, value, expected, engineeringUnit }: Finding): string {
  const unit = engineeringUnit === null ? '' : ` ${engineeringUnit}`;
  const shown = value === null ? 'no value' : `${formatValue(value)}${unit}`;
  return expected === null ? `${tag} ${shown}` : `${tag} ${shown}, expected ${formatValue(expected[0])} to ${formatValue(expected[1])}`;
}

/** What an anomaly says: the channels that do not fit, largest part first, and how far over the limit. */
export function describeAnomaly(ratio: number, findings: readonly Finding[]): string {
  const telling = findings.filter((finding, i) => i === 0 || (finding.share ?? 0) >= 0.15).slice(0, 3);
  return `${telling.map(describeFinding).join('; ')}; ${formatValue(Number(ratio.toPrecision(2)))} × the limit`;
}

const limitWords: Partial<Record<AlarmRule, string>> = {
  hihi: 'above its high-high limit',
  hi: 'above its high limit',
  lo: 'below its low limit',
  lolo: 'below its low-low limit',
};

export function describeLimit(rule: AlarmRule, tag: string, value: number, limit: number, unit: string | null): string {
  const suffix = unit === null ? '' : ` ${unit}`;
  if (rule === 'rate') return `${tag} changes by ${formatValue(value)}${suffix}/s, allowed ${formatValue(limit)}${suffix}/s`;
  return `${tag} ${formatValue(value)}${suffix} is ${limitWords[rule]} of ${formatValue(limit)}${suffix}`;
}

const two = (part: number): string => String(Math.floor(part)).padStart(2, '0');

/** "2026-11-30 06:12 +01:00": where the gateway stands, and to be understood anywhere else and on another day. */
export function clockText(ms: number): string {
  const offset = -new Date(ms).getTimezoneOffset();
  const local = new Date(ms + offset * 60_000).toISOString();
  return `${local.slice(0, 10)} ${local.slice(11, 16)} ${offset < 0 ? '-' : '+'}${two(Math.abs(offset) / 60)}:${two(Math.abs(offset) % 60)}`;
}

/** "no communication"; `missing` where there is no value at all. */
export const describeQuality = (word: QualityWord, missing = 'missing'): string =>
  word === 'missing' ? missing : word in quality ? qualityText(quality[word as keyof typeof quality]) : word;

/** How well an asset is watched: "watching 5 of 6 tags; vibration no communication since 2026-11-30 06:12 +01:00". */
export function describeWatching({ tags, silent, stopped, maintenance, learning, provisional, newContext }: Watched): string {
  if (maintenance !== null) {
    const { untilMs, reason, by } = maintenance;
    return `maintenance until ${clockText(untilMs)}${reason === null ? '' : `: ${reason}`} (${by})`;
  }
  const still = stopped ? 'stopped: suppressed by design; ' : '';
  const all = tags === 1 ? '1 tag' : `all ${tags} tags`;
  if (newContext !== null) return `${still}new ${newContext.label} ${newContext.name}, learning`;
  if (silent.length === 0 && learning) return `${still}learning what is normal from ${all}`;
  if (silent.length === 0) return `${still}watching ${all}${provisional ? ' with a provisional model' : ''}`;
  const words = silent.map(({ tag, sinceMs, quality: why }) => `${tag} ${describeQuality(why, 'silent')} since ${clockText(sinceMs)}`);
  const shown = words.length > 3 ? [...words.slice(0, 3), `and ${words.length - 3} more`] : words;
  return `${still}watching ${tags - silent.length} of ${tags} tags; ${shown.join('; ')}`;
}
