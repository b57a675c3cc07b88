import type { EventEmitter } from 'node:events';
import modbus from 'modbus-serial';
import { errorText, FettleError } from '../../core/errors.ts';
import { GuardedSocket } from './guarded-socket.ts';
import { framing, requestText, toModbusError, unreachable } from './modbus-error.ts';
import { isBitTable, protocolLimit, readFunction } from './table.ts';
import type { ModbusTransport, ReadRequest } from './transport.ts';

export interface TcpOptions {
  /** `tcp://host:502` */
  readonly url: string;
  /** Of one answer. */
  readonly timeoutMs: number;
}

type Client = InstanceType<typeof modbus.default>;
/** A timeout is not an instance of Error (8.0.25), so `unknown`. */
type Settle = (error: unknown, reply?: { readonly buffer: Buffer }) => void;

const defaultPort = 502;
/** A lost SYN is sent again after one second, so a connection may take longer than an answer. */
const connectTimeoutMs = 5000;

/**
 * One Modbus TCP connection through modbus-serial, behind a socket that checks both directions. Every connection has a new
 * client: it never reconnects by itself and keeps the transactions of the old one (8.0.25).
 */
export class TcpTransport implements ModbusTransport {
  readonly #url: string;
  readonly #timeoutMs: number;
  readonly #client: Client = new modbus.default();
  readonly #socket = new GuardedSocket((sequence, what) => this.#misfit(sequence, what));
  /** Reads under way by their sequence. When the peer closes, the library would leave them to their timeouts. */
  readonly #underWay = new Map<number, { readonly request: ReadRequest; readonly reject: (error: FettleError) => void }>();
  readonly closed: Promise<FettleError | undefined>;
  #isClosing = false;
  #socketError: Error | undefined;
  #sequence = 0;

  private constructor({ url, timeoutMs }: TcpOptions) {
    this.#url = url;
    this.#timeoutMs = timeoutMs;
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
    return this.#socket.isWorn;
  }

  get lateReplies(): number {
    return this.#socket.lateReplies;
  }

  read(request: ReadRequest): Promise<Buffer> {
    const { unit, table, address, count } = request;
    const limit = isBitTable(table) ? protocolLimit.bits : protocolLimit.registers;
    // The library sends what it is told, 126 registers too.
    if (count < 1 || count > limit) return Promise.reject(new RangeError(`${requestText(request)}: ${count} is not 1 to ${limit}`));
    if (this.#socket.destroyed) return Promise.reject(unreachable(this.#url, 'the connection is closed'));
    return new Promise((resolve, reject) => {
      const sequence = this.#sequence++;
      this.#underWay.set(sequence, { request, reject });
      const settle: Settle = (error, reply) => {
        // Settled before: the connection ended, or the answer did not fit.
        if (!this.#underWay.delete(sequence)) return;
        if (reply !== undefined) return resolve(reply.buffer);
        const failure = toModbusError(error, request, this.#url, this.#timeoutMs);
        if (failure.code === 'FETTLE_MODBUS_TIMEOUT') this.#socket.expire(sequence);
        reject(failure);
      };
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
    const { hostname, port } = new URL(this.#url);
    const target = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || defaultPort };
    const abort = () => this.#socket.destroy(new Error('stopped'));
    const timer = setTimeout(() => this.#socket.destroy(new Error(`no connection within ${connectTimeoutMs} ms`)), connectTimeoutMs);
    signal.addEventListener('abort', abort, { once: true });
    try {
      if (signal.aborted) abort();
      else this.#socket.setNoDelay(true).setKeepAlive(true).connect(target);
      const connected = new Promise<true>((resolve) => this.#socket.once('connect', () => resolve(true)));
      const outcome = await Promise.race([connected, this.closed]);
      if (outcome !== true) throw outcome;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
    // What it emits repeats what the socket says; unheard, an `error` would end the process.
    (this.#client as unknown as EventEmitter).on('error', () => {});
    await this.#client.linkTCP(this.#socket, { port: target.port });
    this.#client.setTimeout(this.#timeoutMs);
  }

  #misfit(sequence: number, what: string): void {
    const waiting = this.#underWay.get(sequence);
    this.#underWay.delete(sequence);
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
    for (const { request, reject } of this.#underWay.values())
      reject(isFraming ? framing(request, this.#url, error.message, error) : reason);
    this.#underWay.clear();
    // Its timers too.
    this.#client.destroy(() => {});
    return this.#isClosing ? undefined : reason;
  }
}
