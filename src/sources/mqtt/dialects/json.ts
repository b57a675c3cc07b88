import type { Channel, Intake } from '../intake.ts';
import type { PathGetter } from '../json-path.ts';
import type { PayloadReader } from './dialect.ts';

export interface ValueAt {
  readonly channel: Channel;
  readonly get: PathGetter;
}

/** A JSON document; values in arrays, with a time for each or with one time for the last of them. */
export const jsonReader =
  (values: readonly ValueAt[], time: PathGetter | undefined, intervalMs: number): PayloadReader =>
  (text, intake) => {
    const document = parseJson(text);
    if (document === undefined) return intake.reject('not JSON');
    readDocument(document, values, time, intervalMs, intake);
  };

function readDocument(
  document: unknown,
  values: readonly ValueAt[],
  time: PathGetter | undefined,
  intervalMs: number,
  intake: Intake,
): void {
  const stamp = time?.(document);
  const stamps = Array.isArray(stamp) ? stamp : undefined;
  const timeMs = stamps === undefined ? intake.timeOf(stamp) : Number.NaN;
  if (stamps === undefined && Number.isNaN(timeMs)) return;
  const times = stamps?.map((raw) => intake.timeOf(raw, stamps.length > 1));
  const newestMs = times?.reduce((newest, ms) => (ms > newest ? ms : newest), Number.NEGATIVE_INFINITY) ?? timeMs;
  let found = 0;
  for (let i = 0; i < values.length; i++) {
    const { channel, get } = values[i] as ValueAt;
    const value = get(document);
    if (value === undefined) continue;
    found++;
    if (!Array.isArray(value)) {
      // Beside times of elements, a single value is as new as the newest of them.
      if (Number.isFinite(newestMs)) intake.put(channel, newestMs, value);
      continue;
    }
    if (times !== undefined && times.length !== value.length) {
      intake.reject(`${channel.name} has ${value.length} values for ${times.length} times`);
      continue;
    }
    const last = value.length - 1;
    for (let k = 0; k <= last; k++) {
      if (value[k] === undefined) continue;
      const at = times === undefined ? timeMs - (last - k) * intervalMs : (times[k] as number);
      if (!Number.isNaN(at)) intake.put(channel, at, value[k]);
    }
  }
  if (found === 0) intake.reject('none of the configured paths is there');
}

/** Python writes NaN and Infinity, C libraries nan and inf: no JSON, but the rest of the message is. A text that is not closed is passed over once, too. */
const noNumber = /"(?:[^"\\]+|\\[\s\S])*(?:"|\\?$)|[+-]?\b(?:NaN|nan|Infinity|inf|undefined|None)\b/g;

export function parseJson(text: string): unknown {
  try {
    const document: unknown = JSON.parse(text);
    return document;
  } catch {
    if (!/nan|inf|none|undefined/i.test(text)) return undefined;
  }
  try {
    const document: unknown = JSON.parse(text.replaceAll(noNumber, (part) => (part.startsWith('"') ? part : 'null')));
    return document;
  } catch {
    return undefined;
  }
}
