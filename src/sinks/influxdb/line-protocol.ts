/**
 * InfluxDB line protocol, the part all receivers agree on: `measurement,tag=value field=value timestamp`.
 * https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/
 *
 * What it cannot carry is written differently, always the same way: control characters in names and tag values become
 * spaces; a backslash that would swallow the character after it becomes `/`; a line break in a text becomes the two
 * characters `\n` (VictoriaMetrics and QuestDB end the line there, quoted or not); NaN and infinities are left out.
 */

const special = /[,= \\\p{Cc}]/u;
const controls = /\p{Cc}/gu;
const swallowing = /\\(?=[,= ]|$)/g;

/** A tag key, tag value or field key. An empty one cannot be written and becomes `-`. */
export function escapeName(text: string): string {
  if (text === '') return '-';
  if (!special.test(text)) return text;
  return text.replace(controls, ' ').replace(swallowing, '/').replace(/[,= ]/g, '\\$&');
}

export const textField = (text: string): string => `"${text.replace(/\r?\n|\r/g, '\\n').replace(/["\\]/g, '\\$&')}"`;

/** `key=1.5,`, or nothing where there is no number. `key` is escaped already. */
export const numberField = (key: string, value: number | null): string =>
  value !== null && Number.isFinite(value) ? `${key}=${value},` : '';

/** `measurement,tag=value,tag=value `: the tags sorted by key, as InfluxDB wants them. */
export function lineHead(measurement: string, tags: Readonly<Record<string, string>>): string {
  let head = measurement;
  for (const key of Object.keys(tags).sort((a, b) => (a < b ? -1 : 1))) head += `,${escapeName(key)}=${escapeName(tags[key] as string)}`;
  return `${head} `;
}

/** A whole line from its head, its fields (each ending in a comma) and its time; empty when no field is left. */
export const lineOf = (head: string, fields: string, time: string): string =>
  fields === '' ? '' : `${head}${fields.slice(0, -1)} ${time}`;

const nanosecondsPerMs = 1_000_000;

/** Milliseconds with fractions → whole nanoseconds, which a double cannot hold. */
export function nanoseconds(ms: number): string {
  const whole = Math.floor(ms);
  const rest = whole === ms ? 0 : Math.round((ms - whole) * nanosecondsPerMs);
  return rest === nanosecondsPerMs ? joinNanoseconds(whole + 1, 0) : joinNanoseconds(whole, rest);
}

/** Whole milliseconds and the nanoseconds (0..999,999) after them. */
export const joinNanoseconds = (wholeMs: number, rest: number): string =>
  wholeMs > 0
    ? `${wholeMs}${rest === 0 ? '000000' : String(rest).padStart(6, '0')}`
    : String(BigInt(wholeMs) * BigInt(nanosecondsPerMs) + BigInt(rest));
