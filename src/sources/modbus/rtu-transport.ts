import { errorText, FettleError } from '../../core/errors.ts';
import type { BytePort } from './byte-port.ts';
import { startDeadline } from './deadline.ts';
import type { DrainGuard } from './drain-guard.ts';
import { exceptionError, framing, requestText, timeoutError, unreachable } from './modbus-error.ts';
import {
  type ExpectedReply,
  expectedReply,
  findReply,
  isGarbled,
  longestFrame,
  replyLength,
  requestBytes,
  requestFrame,
  unitOfReply,
} from './rtu-frame.ts';
import { isBitTable, protocolLimit } from './table.ts';
import type { ModbusTransport, ReadOptions, ReadRequest } from './transport.ts';

export interface RtuOptions {
  /** For messages. */
  readonly url: string;
  /** Of one answer, from the end of the request to its beginning. */
  readonly timeoutMs: number;
  /** Time one character takes on the line; 0 when it is not known. */
  readonly characterMs: number;
  /** Of the line, for all its transports. */
  readonly guard: DrainGuard;
  readonly now?: () => number;
}

interface Waiting {
  readonly request: ReadRequest;
  readonly expected: ExpectedReply;
  readonly isProbe: boolean;
  readonly timeoutMs: number;
  readonly resolve: (data: Buffer) => void;
  readonly reject: (error: FettleError) => void;
  /** Of the deadline. */
  readonly cancel: () => void;
}

/** So many reads in a row without a fitting answer want the port opened anew. */
const failuresToReopen = 2;
/** Bytes nobody asked for are looked at for a late reply up to this many; a reply and as much before it. */
const strayBytes = 2 * longestFrame;
const timedOut = 'timed out';

/**
 * RTU frames over a serial port or a TCP socket, one request at a time. Why not modbus-serial's: docs/decisions/010.
 *
 * A reply is taken only when unit, function, length and CRC fit the one request under way, and when it is the only such frame
 * that came, or all of them say the same; what a request that was given up still owes is the guard's matter.
 */
export class RtuTransport implements ModbusTransport {
  readonly #port: BytePort;
  readonly #options: RtuOptions;
  readonly #now: () => number;
  readonly closed: Promise<FettleError | undefined>;
  #waiting: Waiting | undefined;
  /** Of the request under way; without one, what came unasked. */
  #received: Buffer = Buffer.alloc(0);
  #receivedMs = Number.NEGATIVE_INFINITY;
  #failuresInARow = 0;
  #failure: FettleError | undefined;
  #isClosed = false;
  /** The requests before, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  lateReplies = 0;

  constructor(port: BytePort, options: RtuOptions) {
    this.#port = port;
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    port.listen((bytes) => this.#enter(bytes));
    this.closed = port.closed.then((error) => this.#ended(error));
  }

  get isWorn(): boolean {
    return this.#failuresInARow >= failuresToReopen;
  }

  readyInMs(unit?: number): number {
    return this.#options.guard.readyInMs(this.#now(), unit);
  }

  read(request: ReadRequest, options: ReadOptions = {}): Promise<Buffer> {
    const limit = isBitTable(request.table) ? protocolLimit.bits : protocolLimit.registers;
    if (request.count < 1 || request.count > limit)
      return Promise.reject(new RangeError(`${requestText(request)}: ${request.count} is not 1 to ${limit}`));
    const result = this.#turn.then(() => this.#exchange(request, options));
    this.#turn = result.catch(() => {});
    return result;
  }

  close(): void {
    this.#port.close();
  }

  async #exchange(request: ReadRequest, { timeoutMs = this.#options.timeoutMs, isProbe = false }: ReadOptions): Promise<Buffer> {
    for (let wait = this.readyInMs(request.unit); wait > 0 && !this.#isClosed; wait = this.readyInMs(request.unit))
      await new Promise((resolve) => setTimeout(resolve, Math.min(Math.ceil(wait), 100)));
    if (this.#isClosed) throw this.#failure ?? unreachable(this.#options.url, 'the connection is closed');
    const frame = requestFrame(request);
    const expected = expectedReply(request, frame);
    const { characterMs } = this.#options;
    const reply = new Promise<Buffer>((resolve, reject) => {
      // Both frames take their time on the line, which is not the unit's.
      const deadlineMs = timeoutMs + (requestBytes + replyLength(expected)) * characterMs;
      const cancel = startDeadline(deadlineMs, () => this.#giveUp(timedOut));
      this.#received = this.#received.subarray(0, 0);
      this.#waiting = { request, expected, isProbe, timeoutMs, resolve, reject, cancel };
      this.#options.guard.busy(this.#now() + requestBytes * characterMs);
    });
    this.#port.send(frame).catch((error: unknown) => this.#end(error));
    return reply;
  }

  #enter(bytes: Buffer): void {
    const nowMs = this.#now();
    const { guard } = this.#options;
    // What came long before belongs to nothing that comes now.
    const isContinued = this.#waiting !== undefined || nowMs - this.#receivedMs < Math.max(50, 4 * this.#options.characterMs);
    this.#received = isContinued && this.#received.length > 0 ? Buffer.concat([this.#received, bytes]) : bytes;
    this.#receivedMs = nowMs;
    guard.busy(nowMs);
    this.#takeLate(nowMs);
    if (this.#waiting !== undefined) this.#takeReply(this.#waiting);
    else this.#takeUnasked(nowMs);
    if (this.#received.length > strayBytes) this.#received = this.#received.subarray(this.#received.length - strayBytes);
  }

  /** What units owed that are not asked now. */
  #takeLate(nowMs: number): void {
    for (const owed of this.#options.guard.owed) {
      const found = owed.unit === this.#waiting?.request.unit ? undefined : findReply(this.#received, owed);
      if (found === undefined) continue;
      this.lateReplies++;
      this.#received = Buffer.concat([this.#received.subarray(0, found.start), this.#received.subarray(found.end)]);
      this.#options.guard.cameLate(owed.unit, nowMs);
    }
  }

  #takeReply(waiting: Waiting): void {
    const { request, expected, resolve, reject } = waiting;
    const found = findReply(this.#received, expected);
    if (found === undefined) {
      // It has come, if not well: nothing is owed, and nobody has to wait.
      if (isGarbled(this.#received, expected)) this.#settle(() => reject(framing(request, this.#options.url, 'wrong CRC')), true);
      return;
    }
    const second = findReply(this.#received, expected, found.end);
    if (second !== undefined && (second.exception !== found.exception || !second.data.equals(found.data))) {
      this.#giveUp('two answers came to one request');
      return;
    }
    this.#received = this.#received.subarray(found.end);
    if (found.exception === undefined) this.#settle(() => resolve(found.data), false);
    else this.#settle(() => reject(exceptionError(found.exception as number, request, this.#options.url)), false);
  }

  #takeUnasked(nowMs: number): void {
    if (this.#received.length === 0) return;
    const { guard, url } = this.#options;
    const unit = this.#received.length >= 5 ? unitOfReply(this.#received) : undefined;
    if (unit !== undefined) {
      this.lateReplies++;
      const received = this.#received;
      this.#received = received.subarray(0, 0);
      guard.cameUnasked(
        { unit, functionCode: (received[1] as number) & 0x7f, bytes: received[2] as number, echo: received.subarray(0, 0) },
        nowMs,
      );
    } else if (!guard.noise(nowMs)) {
      this.#end(
        new FettleError('FETTLE_MODBUS_FRAMING', `${url}: the line is never silent`, {
          hint: 'check baud rate and parity, the bias of the line, and that there is no second master',
        }),
      );
    }
  }

  #giveUp(what: string): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const { request, expected, isProbe, timeoutMs, reject } = waiting;
    this.#options.guard.gaveUp(expected, this.#now(), !isProbe);
    const { url } = this.#options;
    const got = this.#received;
    this.#received = got.subarray(0, 0);
    const text =
      what === timedOut
        ? `expected unit ${expected.unit}, function ${expected.functionCode}, ${expected.bytes} data bytes; got ${got.toString('hex', 0, 16)}`
        : what;
    this.#settle(() => reject(got.length === 0 ? timeoutError(request, url, timeoutMs) : framing(request, url, text)), true);
  }

  #settle(settle: () => void, isFailure: boolean): void {
    this.#waiting?.cancel();
    this.#waiting = undefined;
    this.#failuresInARow = isFailure ? this.#failuresInARow + 1 : 0;
    settle();
  }

  /** The port is of no use any more. */
  #end(error: unknown): void {
    this.#failure ??= error instanceof FettleError ? error : unreachable(this.#options.url, errorText(error), error);
    this.#port.close();
  }

  #ended(error: Error | undefined): FettleError | undefined {
    this.#isClosed = true;
    const { url, guard } = this.#options;
    const reason = this.#failure ?? (error === undefined ? undefined : unreachable(url, errorText(error), error));
    const waiting = this.#waiting;
    if (waiting !== undefined) {
      // A unit that was asked may answer into the next connection.
      guard.gaveUp(waiting.expected, this.#now(), true);
      this.#settle(() => waiting.reject(reason ?? unreachable(url, 'closed')), true);
    }
    return reason;
  }
}
