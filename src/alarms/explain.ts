import type { AlarmRule, Finding } from '../core/alarm.ts';
import { qualityText } from '../core/quality.ts';

/** Work on the machine, as a person announced it. */
export interface Maintenance {
  readonly untilMs: number;
  readonly by: string;
  readonly reason: string | null;
}

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

/** "06:12" where the gateway stands. */
export const clockText = (ms: number): string => {
  const date = new Date(ms);
  return `${String(date.getHours()).padStart(2, '0')}:${String(date.getMinutes()).padStart(2, '0')}`;
};

export interface Watched {
  /** How many there are. */
  readonly tags: number;
  readonly silent: readonly { readonly tag: string; readonly sinceMs: number; readonly quality: number }[];
  readonly stopped: boolean;
  readonly maintenance: Maintenance | null;
  readonly learning: boolean;
  readonly provisional: boolean;
  /** "new product 17" */
  readonly unknown: string | undefined;
}

/** How well an asset is watched: "watching 5 of 6 tags; vibration no communication since 06:12". */
export function describeWatching({ tags, silent, stopped, maintenance, learning, provisional, unknown }: Watched): string {
  if (maintenance !== null) {
    const { untilMs, reason, by } = maintenance;
    return `maintenance until ${clockText(untilMs)}${reason === null ? '' : `: ${reason}`} (${by})`;
  }
  const still = stopped ? 'stopped: suppressed by design; ' : '';
  const all = tags === 1 ? '1 tag' : `all ${tags} tags`;
  if (unknown !== undefined) return `${still}${unknown}, learning`;
  if (silent.length === 0 && learning) return `${still}learning what is normal from ${all}`;
  if (silent.length === 0) return `${still}watching ${all}${provisional ? ' with a provisional model' : ''}`;
  const words = silent.map(
    ({ tag, sinceMs, quality }) => `${tag} ${quality === 0 ? 'silent' : qualityText(quality)} since ${clockText(sinceMs)}`,
  );
  const shown = words.length > 3 ? [...words.slice(0, 3), `and ${words.length - 3} more`] : words;
  return `${still}watching ${tags - silent.length} of ${tags} tags; ${shown.join('; ')}`;
}
