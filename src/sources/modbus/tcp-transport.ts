import type { EventEmitter } from 'node:events';
import { isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import modbus from 'modbus-serial';
import { errorText, FettleError } from '../../core/errors.ts';
import { startDeadline } from './deadline.ts';
import { dial } from './dial.ts';
import { GuardedSocket, MbapGuard } from './guarded-socket.ts';
import { parseLineUrl } from './line-url.ts';
import { framing, requestText, timeoutError, toModbusError, unreachable } from './modbus-error.ts';
import { isBitTable, protocolLimit, readFunction } from './table.ts';
import type { ModbusTransport, ReadOptions, ReadRequest } from './transport.ts';

export interface TcpOptions {
  /** `tcp://host:502` */
  readonly url: string;
  /** Of one answer. */
  readonly timeoutMs: number;
  /** Inside TLS (Modbus/TCP Security); the device's certificate is checked. */
  readonly tls?: Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'servername'>;
}

interface UnderWay {
  readonly request: ReadRequest;
  readonly reject: (error: FettleError) => void;
  /** Of the deadline. */
  readonly cancel: () => void;
}

type Client = InstanceType<typeof modbus.default>;
/** A timeout is not an instance of Error (8.0.25), so `unknown`. */
type Settle = (error: unknown, reply?: { readonly buffer: Buffer }) => void;

/** The library only frees its memory of the request then. */
const libraryTimeoutMs = 1000;

/**
 * One Modbus TCP connection through modbus-serial, behind a socket that checks both directions. Every connection has a new
 * client: it never reconnects by itself and keeps the transactions of the old one (8.0.25).
 */
export class TcpTransport implements ModbusTransport {
  readonly #url: string;
  readonly #timeoutMs: number;
  readonly #client: Client = new modbus.default();
  readonly #tls: TcpOptions['tls'];
  readonly #socket: Socket;
  readonly #guard: MbapGuard;
  /** Reads under way by their sequence. When the peer closes, the library would leave them to their timeouts. */
  readonly #underWay = new Map<number, UnderWay>();
  readonly closed: Promise<FettleError | undefined>;
  #isClosing = false;
  #socketError: Error | undefined;
  #sequence = 0;
  /** An answer did not fit: whose the next ones are cannot be told. */
  #isMixedUp = false;

  private constructor({ url, timeoutMs, tls }: TcpOptions) {
    this.#url = url;
    this.#timeoutMs = timeoutMs;
    this.#tls = tls;
    const misfit = (sequence: number, what: string) => this.#misfit(sequence, what);
    if (tls === undefined) {
      const socket = new GuardedSocket(misfit);
      this.#socket = socket;
      this.#guard = socket.guard;
    } else {
      const target = this.#target();
      this.#socket = connectTls({ ...target, ...(isIP(target.host) === 0 && { servername: target.host }), ...tls });
      this.#guard = new MbapGuard(this.#socket, misfit);
    }
    this.#socket.on('error', (error) => {
      this.#socketError ??= error;
    });
    // A device that has closed its half takes no more questions.
    this.#socket.once('end', () => this.#socket.destroy());
    this.closed = new Promise((resolve) => this.#socket.once('close', () => resolve(this.#ended())));
  }

  /** Rejects with FETTLE_MODBUS_UNREACHABLE. */
  static async open(options: TcpOptions, signal: AbortSignal): Promise<TcpTransport> {
    const transport = new TcpTransport(options);
    await transport.#connect(signal);
    return transport;
  }

  get isWorn(): boolean {
    return this.#isMixedUp || this.#guard.isWorn;
  }

  get lateReplies(): number {
    return this.#guard.lateReplies;
  }

  /** Every answer has a number. */
  readyInMs(): number {
    return 0;
  }

  read(request: ReadRequest, { timeoutMs = this.#timeoutMs }: ReadOptions = {}): Promise<Buffer> {
    const { unit, table, address, count } = request;
    const limit = isBitTable(table) ? protocolLimit.bits : protocolLimit.registers;
    // The library sends what it is told, 126 registers too.
    if (count < 1 || count > limit) return Promise.reject(new RangeError(`${requestText(request)}: ${count} is not 1 to ${limit}`));
    if (this.#socket.destroyed) return Promise.reject(unreachable(this.#url, 'the connection is closed'));
    return new Promise((resolve, reject) => {
      const sequence = this.#sequence++;
      const expire = () => {
        this.#underWay.delete(sequence);
        this.#guard.expire(sequence);
        reject(timeoutError(request, this.#url, timeoutMs));
      };
      const cancel = startDeadline(timeoutMs, expire);
      this.#underWay.set(sequence, { request, reject, cancel });
      const settle: Settle = (error, reply) => {
        // Settled before: it was too late, the connection ended, or the answer did not fit.
        if (!this.#underWay.delete(sequence)) return;
        cancel();
        if (reply === undefined) reject(toModbusError(error, request, this.#url, timeoutMs));
        else resolve(reply.buffer);
      };
      // The library takes the time-out of a request at the moment it is sent. It is to come after ours.
      this.#client.setTimeout(timeoutMs + libraryTimeoutMs);
      this.#send(unit, readFunction[table], address, count, settle);
    });
  }

  close(): void {
    this.#isClosing = true;
    this.#socket.destroy();
  }

  /** By the functions that take the unit id as argument: `setID` is one for all requests of a client. */
  #send(unit: number, functionCode: 1 | 2 | 3 | 4, address: number, count: number, settle: Settle): void {
    switch (functionCode) {
      case 1:
        this.#client.writeFC1(unit, address, count, settle);
        return;
      case 2:
        this.#client.writeFC2(unit, address, count, settle);
        return;
      case 3:
        this.#client.writeFC3(unit, address, count, settle);
        return;
      case 4:
        this.#client.writeFC4(unit, address, count, settle);
        return;
    }
  }

  async #connect(signal: AbortSignal): Promise<void> {
    const target = this.#target();
    const connect = () => this.#tls === undefined && this.#socket.connect(target);
    await dial(this.#socket, connect, this.#tls === undefined ? 'connect' : 'secureConnect', this.closed, signal);
    // What it emits repeats what the socket says; unheard, an `error` would end the process.
    (this.#client as unknown as EventEmitter).on('error', () => {});
    await this.#client.linkTCP(this.#socket, { port: target.port });
  }

  #target(): { readonly host: string; readonly port: number } {
    const target = parseLineUrl(this.#url);
    if (target.scheme === 'rtu') throw new Error(`${this.#url} is no address`);
    return target;
  }

  #misfit(sequence: number, what: string): void {
    this.#isMixedUp = true;
    const waiting = this.#underWay.get(sequence);
    this.#underWay.delete(sequence);
    waiting?.cancel();
    waiting?.reject(framing(waiting.request, this.#url, what));
  }

  /** The reads under way can have no answer any more. */
  #ended(): FettleError | undefined {
    const error = this.#socketError;
    const reason = unreachable(
      this.#url,
      this.#isClosing ? 'closed' : error === undefined ? 'the device closed the connection' : errorText(error),
      error,
    );
    const isFraming = error instanceof FettleError && error.code === 'FETTLE_MODBUS_FRAMING';
    for (const { request, reject, cancel } of this.#underWay.values()) {
      cancel();
      reject(isFraming ? framing(request, this.#url, error.message, error) : reason);
    }
    this.#underWay.clear();
    // Its timers too.
    this.#client.destroy(() => {});
    return this.#isClosing ? undefined : reason;
  }
}
