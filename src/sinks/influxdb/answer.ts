import { FettleError } from '../../core/errors.ts';

/** What a receiver's answer means for the points it was given. */
export type Verdict =
  | { readonly kind: 'accepted' }
  /** The good points are stored, the others never will be: not to be repeated. */
  | { readonly kind: 'partial'; readonly text: string; readonly refused: readonly Refusal[] }
  /** Nothing is stored, and some line or the request itself is the reason. */
  | { readonly kind: 'unreadable'; readonly text: string }
  | { readonly kind: 'tooLarge'; readonly text: string }
  | { readonly kind: 'unknownDatabase'; readonly text: string }
  /** All points stay and are tried again later. */
  | { readonly kind: 'failed'; readonly error: FettleError /** A smaller request may pass. */; readonly shrink?: boolean };

/** A line named by the receiver, where it names one (InfluxDB 3). */
export interface Refusal {
  /** Zero-based. */
  readonly line: number;
  readonly reason: string;
}

const waitCeilingMs = 600_000;

/** Status, headers and text of an answer to `POST /write` → what to do. `where` names the receiver in messages. */
export function verdictOf(status: number, headers: Headers, text: string, where: string): Verdict {
  if (status === 204 || (status === 200 && text.trim() === '')) return { kind: 'accepted' };
  const said = messageOf(text) || `HTTP ${status}`;
  const failed = (
    code: 'FETTLE_INFLUXDB_DENIED' | 'FETTLE_INFLUXDB_FAILED' | 'FETTLE_INFLUXDB_BUSY',
    hint: string,
  ): Extract<Verdict, { kind: 'failed' }> => {
    const retryAfterMs = retryAfter(headers.get('retry-after'));
    const options = retryAfterMs === undefined ? { hint } : { hint, retryAfterMs };
    return { kind: 'failed', error: new FettleError(code, `${where} answered ${status}: ${said}`, options) };
  };
  switch (status) {
    case 400:
    case 422:
      return /partial write/i.test(text) ? { kind: 'partial', text: said, refused: refusals(text) } : { kind: 'unreadable', text: said };
    case 401:
    case 403:
      return failed('FETTLE_INFLUXDB_DENIED', 'Check user name, password or token, and that it may write to the database.');
    case 404:
      return /database not found|bucket .*not found|retention policy not found/i.test(text)
        ? { kind: 'unknownDatabase', text: said }
        : failed('FETTLE_INFLUXDB_DENIED', 'Check the url: nothing there takes line protocol at /write.');
    case 413:
      return { kind: 'tooLarge', text: said };
    case 408:
      return { ...failed('FETTLE_INFLUXDB_FAILED', 'The link is slow; requests are made smaller.'), shrink: true };
    case 429:
    case 503:
      return failed('FETTLE_INFLUXDB_BUSY', 'Nothing to do: delivery goes on when the receiver is ready.');
    default:
      return status >= 500
        ? failed('FETTLE_INFLUXDB_FAILED', 'See the log of the receiver.')
        : failed('FETTLE_INFLUXDB_DENIED', 'Something else than a database seems to answer at this url.');
  }
}

/** Seconds or an HTTP date → milliseconds from now. */
export function retryAfter(header: string | null, nowMs = Date.now()): number | undefined {
  if (header === null) return undefined;
  const ms = /^\s*\d+(\.\d+)?\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), waitCeilingMs) : undefined;
}

/** How many points a partial write lost: `dropped=3`, or a line each it could not read. */
export function droppedCount(text: string): number {
  const dropped = Number(/dropped=(\d+)/.exec(text)?.[1] ?? 0);
  return Math.max(1, dropped + (text.match(/unable to parse '/g)?.length ?? 0));
}

interface Answered {
  error?: unknown;
  message?: unknown;
  data?: unknown;
}

function parsed(text: string): Answered {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === 'object' && answer !== null ? answer : {};
  } catch {
    return {};
  }
}

function messageOf(text: string): string {
  const { error, message } = parsed(text);
  const said = typeof error === 'string' ? error : typeof message === 'string' ? message : text.trim();
  return said.length > 500 ? `${said.slice(0, 500)} …` : said;
}

/** InfluxDB 3: `{"error":"partial write of line protocol occurred","data":[{"error_message":…,"line_number":2,…}]}`. */
function refusals(text: string): Refusal[] {
  const { data } = parsed(text);
  const found: Refusal[] = [];
  for (const item of Array.isArray(data) ? (data as Record<string, unknown>[]) : []) {
    if (typeof item?.line_number !== 'number') continue;
    found.push({ line: item.line_number - 1, reason: String(item.error_message ?? 'refused') });
  }
  return found;
}
