import type { AlarmRule, Finding } from '../core/alarm.ts';

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
