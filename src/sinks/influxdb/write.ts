import { FettleError } from '../../core/errors.ts';
import type { DeliveryReport, OutboxEntry } from '../../core/sink.ts';
import { droppedCount, type Verdict } from './answer.ts';
import type { WriteRequest } from './request.ts';

type Rejection = DeliveryReport['rejected'][number];

interface Line {
  readonly entryId: number;
  readonly text: string;
}

const newline = Buffer.from('\n');
const smallestRequestBytes = 16_384;
/** A larger request is tried after this many good writes: each try that fails costs a time-out. */
const writesBeforeGrowth = 20;

/**
 * Entries (lines joined by `\n`) → the receiver. Resolves when every point is stored or refused for good; throws when
 * nothing can be said, and then all may be sent again: the same point twice is one point.
 */
export class LineWriter {
  readonly #request: WriteRequest;
  readonly #createDatabase: (() => Promise<void>) | undefined;
  /** What the receiver (413) and the link (time-outs) let through in one request. */
  #requestBytes: number;
  #ceilingBytes: number;
  #writesAtThisSize = 0;
  readonly counters = { requests: 0, bytes: 0, rejected: 0, bisected: 0 };

  constructor(request: WriteRequest, largestBytes: number, createDatabase: (() => Promise<void>) | undefined) {
    this.#request = request;
    this.#requestBytes = largestBytes;
    this.#ceilingBytes = largestBytes;
    this.#createDatabase = createDatabase;
  }

  async write(entries: readonly OutboxEntry[], signal: AbortSignal): Promise<DeliveryReport> {
    const body = joined(entries);
    const rejected =
      body.length <= this.#requestBytes || body.length < smallestRequestBytes
        ? await this.#settle(body, await this.#send(body, signal), () => linesOf(entries), signal)
        : await this.#writeLines(linesOf(entries), signal);
    this.counters.rejected += rejected.reduce((sum, { count }) => sum + count, 0);
    if (this.#requestBytes < this.#ceilingBytes && ++this.#writesAtThisSize >= writesBeforeGrowth) {
      this.#requestBytes = Math.min(this.#ceilingBytes, this.#requestBytes * 2);
      this.#writesAtThisSize = 0;
    }
    return { rejected };
  }

  /** In requests of at most `#requestBytes`. */
  async #writeLines(lines: readonly Line[], signal: AbortSignal): Promise<Rejection[]> {
    const rejected: Rejection[] = [];
    for (let first = 0; first < lines.length; ) {
      let last = first;
      let bytes = 0;
      while (last < lines.length) {
        bytes += Buffer.byteLength((lines[last] as Line).text) + 1;
        if (last > first && bytes > this.#requestBytes) break;
        last++;
      }
      const part = lines.slice(first, last);
      const body = Buffer.from(part.map((line) => line.text).join('\n'));
      rejected.push(...(await this.#settle(body, await this.#send(body, signal), () => part, signal)));
      first = last;
    }
    return rejected;
  }

  async #settle(body: Buffer, verdict: Verdict, lines: () => readonly Line[], signal: AbortSignal): Promise<Rejection[]> {
    switch (verdict.kind) {
      case 'accepted':
        return [];
      case 'failed':
        throw verdict.error;
      case 'unknownDatabase':
        throw new FettleError('FETTLE_INFLUXDB_DENIED', `${this.#request.where} answered: ${verdict.text}`, {
          hint: 'Create the database, or set createDatabase: true for a user who may.',
        });
      case 'partial':
        return partlyRejected(lines(), verdict);
      case 'tooLarge':
        this.#ceilingBytes = Math.max(smallestRequestBytes, Math.ceil(Math.min(this.#ceilingBytes, body.length) / 2));
        this.#requestBytes = Math.min(this.#requestBytes, this.#ceilingBytes);
        return await this.#halve(lines(), verdict.text, signal);
      case 'unreadable':
        if (await this.#requestIsAtFault(verdict.text, signal)) {
          throw new FettleError('FETTLE_INFLUXDB_DENIED', `${this.#request.where} refuses every request: ${verdict.text}`, {
            hint: 'Check url and database.',
          });
        }
        return await this.#halve(lines(), verdict.text, signal);
    }
  }

  /** Refuses a single line for good; sends two halves of more. */
  async #halve(lines: readonly Line[], reason: string, signal: AbortSignal): Promise<Rejection[]> {
    const [only] = lines;
    if (lines.length === 1 && only) return [rejection(only, 1, reason)];
    this.counters.bisected++;
    const rejected: Rejection[] = [];
    const middle = Math.ceil(lines.length / 2);
    for (const half of [lines.slice(0, middle), lines.slice(middle)]) {
      const body = Buffer.from(half.map((line) => line.text).join('\n'));
      const verdict = await this.#send(body, signal);
      rejected.push(
        ...(verdict.kind === 'unreadable'
          ? await this.#halve(half, verdict.text, signal)
          : await this.#settle(body, verdict, () => half, signal)),
      );
    }
    return rejected;
  }

  /** A receiver that answers the same to no points at all ("database is required") would have every point refused. */
  async #requestIsAtFault(text: string, signal: AbortSignal): Promise<boolean> {
    const verdict = await this.#send(Buffer.alloc(0), signal);
    if (verdict.kind === 'failed') throw verdict.error;
    return verdict.kind === 'unreadable' && verdict.text === text;
  }

  async #send(body: Buffer, signal: AbortSignal): Promise<Verdict> {
    this.counters.requests++;
    this.counters.bytes += body.length;
    const verdict = await this.#request.send(body, signal);
    if (verdict.kind === 'failed' && verdict.shrink) {
      this.#requestBytes = Math.max(smallestRequestBytes, Math.floor(Math.min(this.#requestBytes, body.length) / 2));
      this.#writesAtThisSize = 0;
    }
    if (verdict.kind !== 'unknownDatabase' || !this.#createDatabase) return verdict;
    await this.#createDatabase();
    return await this.#request.send(body, signal);
  }
}

const joined = (entries: readonly OutboxEntry[]): Buffer => {
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    if (parts.length > 0) parts.push(newline);
    parts.push(entry.payload);
  }
  return Buffer.concat(parts);
};

/** Our encoder never writes a line break into a line. */
const linesOf = (entries: readonly OutboxEntry[]): Line[] =>
  entries.flatMap((entry) =>
    Buffer.from(entry.payload.buffer, entry.payload.byteOffset, entry.payload.byteLength)
      .toString()
      .split('\n')
      .filter((text) => text !== '')
      .map((text) => ({ entryId: entry.id, text })),
  );

const rejection = (line: Line, count: number, reason: string): Rejection => ({
  entryId: line.entryId,
  count,
  reason,
  example: line.text.slice(0, 500),
});

/** InfluxDB 3 names the lines; the others give a count and a sentence, from which an example is found. */
function partlyRejected(lines: readonly Line[], verdict: Extract<Verdict, { kind: 'partial' }>): Rejection[] {
  const named = verdict.refused.flatMap(({ line, reason }) => {
    const refused = lines[line];
    return refused ? [rejection(refused, 1, reason)] : [];
  });
  if (named.length > 0) return named;
  const example = suspect(lines, verdict.text);
  return example ? [rejection(example, droppedCount(verdict.text), verdict.text)] : [];
}

/** The line a sentence speaks of: quoted, or the first whose field has the type that does not fit; else the first. */
function suspect(lines: readonly Line[], text: string): Line | undefined {
  const quoted = /unable to parse '(.*?)':/.exec(text)?.[1];
  const conflict = /input field "(.*?)" on measurement "(.*?)" is type (\w+)/.exec(text);
  const found = lines.find((line) => {
    if (quoted !== undefined) return line.text === quoted;
    if (!conflict) return false;
    const [, field, measurement, type] = conflict;
    if (!line.text.startsWith(`${measurement},`) && !line.text.startsWith(`${measurement} `)) return false;
    const at = Math.max(line.text.indexOf(` ${field}=`), line.text.indexOf(`,${field}=`));
    return at >= 0 && typeOfValue(line.text.slice(line.text.indexOf('=', at) + 1)) === type;
  });
  return found ?? lines[0];
}

/** The type of the field value a text begins with, in InfluxDB's words. */
const typeOfValue = (text: string): string =>
  text.startsWith('"') ? 'string' : /^-?\d+i/.test(text) ? 'integer' : /^[-\d]/.test(text) ? 'float' : 'boolean';
