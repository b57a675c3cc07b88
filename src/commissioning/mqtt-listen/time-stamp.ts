import { parseTimestamp } from '../../core/timestamp.ts';

/** How a time is written. `local`: ISO 8601 without a zone. `foreign`: a date a person reads and the gateway does not. */
export type TimeForm = 'iso' | 'local' | 's' | 'ms' | 'us' | 'ns' | 'foreign';

export interface RecognisedTime {
  readonly form: TimeForm;
  /** NaN where the form is foreign. */
  readonly ms: number;
}

const dayMs = 86_400_000;
/** As the source judges it: before, no clock was set; further ahead, it is none. */
const earliestMs = Date.UTC(2010, 0, 1);
const furthestAheadMs = 366 * dayMs;

const zoned = /(?:Z|[+-]\d{2}:?\d{2})$/;
const foreign = /^\d{1,4}[./-]\d{1,2}[./-]\d{1,4}(?:[ T,]+\d{1,2}:\d{2}.*)?$|^\d{8}T\d{6}|^\w{3},? \w{3} \d|^\d{1,2}:\d{2}(?::\d{2})?$/;

/** A value that can be the time of something measured about `arrivalMs`; undefined for any other. */
export function recogniseTime(value: unknown, arrivalMs: number): RecognisedTime | undefined {
  const ms = parseTimestamp(value);
  const isDigits = typeof value === 'number' || (typeof value === 'string' && /^\d+(?:\.\d+)?$/.test(value));
  if (!isDigits && typeof value === 'string' && Number.isNaN(ms)) return foreign.test(value.trim()) ? { form: 'foreign', ms } : undefined;
  if (!(ms >= earliestMs && ms <= arrivalMs + furthestAheadMs)) return undefined;
  if (!isDigits) return { form: zoned.test(value as string) ? 'iso' : 'local', ms };
  const size = Math.abs(Number(value));
  return { form: size < 1e11 ? 's' : size < 1e14 ? 'ms' : size < 1e17 ? 'us' : 'ns', ms };
}

const exactly =
  /^(?:ts|t|time|timestamp|datetime|date_time|date|zeit|zeitstempel|uhrzeit|datum|at|when|created|createdat|eventtime|_time|epoch|utc|time_?(?:ms|s|us|ns|utc|iso)|ts_?(?:ms|s))$/i;
const partly = /time|stamp|date|zeit|epoch|(?:^|_)ts(?:_|$)/i;
const startedFrom = /uptime|millis|runtime|ticks|since/i;

/** How much a name speaks for the time of the message: 3, 1 or 0. */
export const timeNamePoints = (name: string): number => (startedFrom.test(name) ? 0 : exactly.test(name) ? 3 : partly.test(name) ? 1 : 0);

/** Whether a name says that the value counts from the start of the device. */
export const isUptimeName = (name: string): boolean => startedFrom.test(name);

const kept = 64;

/** What the values of one field say when they are taken for times. */
export class ClockRecord {
  /** Values that can be times. */
  times = 0;
  readonly forms = new Map<TimeForm, number>();
  /** Arrival minus stamp, ms: the last ones of live messages. */
  readonly #behindMs: number[] = [];
  /** The largest distance, either way. */
  worstMs = 0;
  #live = 0;
  #first: { readonly raw: number; readonly arrivalMs: number } | undefined;
  #last: { readonly raw: number; readonly arrivalMs: number } | undefined;

  add(value: unknown, arrivalMs: number, retained: boolean): void {
    if (typeof value === 'number' && !retained) {
      this.#first ??= { raw: value, arrivalMs };
      this.#last = { raw: value, arrivalMs };
    }
    const time = recogniseTime(value, arrivalMs);
    if (time === undefined) return;
    this.times++;
    this.forms.set(time.form, (this.forms.get(time.form) ?? 0) + 1);
    if (retained || Number.isNaN(time.ms)) return;
    const behind = arrivalMs - time.ms;
    this.#behindMs[this.#live++ % kept] = behind;
    if (Math.abs(behind) > Math.abs(this.worstMs)) this.worstMs = behind;
  }

  get behindMs(): readonly number[] {
    return this.#behindMs;
  }

  /** Counts in this unit while time goes by, and is no time of day: a device without a clock. */
  get counts(): 's' | 'ms' | undefined {
    if (this.times > 0 || this.#first === undefined || this.#last === undefined) return undefined;
    const passedMs = this.#last.arrivalMs - this.#first.arrivalMs;
    if (passedMs < 500) return undefined;
    const rate = (this.#last.raw - this.#first.raw) / passedMs;
    if (rate > 0.8 && rate < 1.25) return 'ms';
    return rate > 0.0006 && rate < 0.0014 && passedMs > 2000 ? 's' : undefined;
  }
}
