import { Socket } from 'node:net';
import { FettleError } from '../../core/errors.ts';

/** Bytes before the length field's count begins: transaction, protocol, length. */
const prefixBytes = 6;
const requestBytes = 12;
/** Longest rest of a frame: unit id and 253 bytes of PDU (Messaging on TCP/IP 1.0b, 3.1.3). */
const longestRest = 254;
/** modbus-serial numbers transactions 0 to 255 and starts again; stop this far short of a number that is still owed its answer. */
const wornAfter = 240;

interface Outstanding {
  /** How many requests went before this one. */
  readonly sequence: number;
  readonly unit: number;
  readonly functionCode: number;
  /** Data bytes its reply must have. */
  readonly bytes: number;
}

/**
 * The last door before the wire, both ways: only Modbus TCP reads (function codes 1 to 4) leave, only replies that fit a request
 * still waiting come in. Anything else that would leave ends the connection unsent; writing through a gateway is how FrostyGoop
 * turned off heating in Lviv (2024), and not calling the library's write functions would be a habit where this is a guarantee.
 *
 * Inwards, modbus-serial 8.0.25 believes lengths, takes an exception from any unit, and matches by a number that wraps at 256.
 * Here a late reply is dropped, a misfit is told (`misfit`, with the request's sequence and what came), and bytes that are
 * no Modbus TCP end the connection with FETTLE_MODBUS_FRAMING.
 */
export class MbapGuard {
  readonly #outstanding = new Map<number, Outstanding>();
  /** Given up, but the answer may still come: transaction number to sequence, oldest first. */
  readonly #expired = new Map<number, number>();
  readonly #misfit: (sequence: number, what: string) => void;
  #sent = 0;
  #rest: Buffer | undefined;
  lateReplies = 0;

  constructor(socket: Socket, misfit: (sequence: number, what: string) => void) {
    this.#misfit = misfit;
    this.#stand(socket);
  }

  /** True when a request sent now could take the answer of one that was given up. */
  get isWorn(): boolean {
    for (const sequence of this.#expired.values()) return this.#sent - sequence >= wornAfter;
    return false;
  }

  /** The request sent as number `sequence` (from 0) waits no longer. */
  expire(sequence: number): void {
    for (const [transaction, request] of this.#outstanding) {
      if (request.sequence !== sequence) continue;
      this.#outstanding.delete(transaction);
      this.#expired.set(transaction, sequence);
    }
  }

  /** Puts itself into the way of all that leaves and all that enters; a socket of TLS cannot be a class of ours. */
  #stand(socket: Socket): void {
    const write = socket._write;
    const writev = socket._writev;
    const emit = socket.emit;
    const deliver = (frame: Buffer): void => void Reflect.apply(emit, socket, ['data', frame]);
    Object.assign(socket, {
      _write: (chunk: Buffer, encoding: BufferEncoding, callback: Callback): void => {
        if (this.#leaves(chunk)) write.call(socket, chunk, encoding, callback);
        else callback(refusal(chunk));
      },
      _writev: (chunks: { chunk: Buffer; encoding: BufferEncoding }[], callback: Callback): void => {
        const other = chunks.find(({ chunk }) => !this.#leaves(chunk));
        if (other === undefined) writev?.call(socket, chunks, callback);
        else callback(refusal(other.chunk));
      },
      emit: (event: string | symbol, ...values: unknown[]): boolean => {
        if (event !== 'data') return Reflect.apply(emit, socket, [event, ...values]) as boolean;
        this.#enter(socket, values[0] as Buffer, deliver);
        return true;
      },
    });
  }

  /** Whether these bytes are exactly one read request; if so, its reply is expected from now on. */
  #leaves(frame: Buffer): boolean {
    if (!Buffer.isBuffer(frame) || frame.length !== requestBytes) return false;
    const functionCode = frame[7] as number;
    if (frame.readUInt16BE(2) !== 0 || frame.readUInt16BE(4) !== requestBytes - prefixBytes || functionCode < 1 || functionCode > 4)
      return false;
    const quantity = frame.readUInt16BE(10);
    this.#outstanding.set(frame.readUInt16BE(0), {
      sequence: this.#sent++,
      unit: frame[6] as number,
      functionCode,
      bytes: functionCode <= 2 ? Math.ceil(quantity / 8) : quantity * 2,
    });
    return true;
  }

  #enter(socket: Socket, chunk: Buffer, deliver: (frame: Buffer) => void): void {
    let buffer = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    while (buffer.length >= prefixBytes) {
      const rest = buffer.readUInt16BE(4);
      if (buffer.readUInt16BE(2) !== 0 || rest < 3 || rest > longestRest) {
        socket.destroy(new FettleError('FETTLE_MODBUS_FRAMING', `bytes that are no Modbus TCP (${buffer.toString('hex', 0, 12)})`));
        return;
      }
      if (buffer.length < prefixBytes + rest) break;
      this.#frame(buffer.subarray(0, prefixBytes + rest), deliver);
      buffer = buffer.subarray(prefixBytes + rest);
    }
    if (buffer.length > 0) this.#rest = buffer;
  }

  #frame(frame: Buffer, deliver: (frame: Buffer) => void): void {
    const transaction = frame.readUInt16BE(0);
    const request = this.#outstanding.get(transaction);
    if (request === undefined) {
      if (this.#expired.delete(transaction)) this.lateReplies++;
      return;
    }
    this.#outstanding.delete(transaction);
    const [unit, functionCode, third] = [frame[6], frame[7], frame[8]];
    const isException = functionCode === (request.functionCode | 0x80) && frame.length === 9;
    const isReply = functionCode === request.functionCode && third === request.bytes && frame.length === 9 + request.bytes;
    if (unit === request.unit && (isException || isReply)) deliver(frame);
    else {
      const expected = `unit ${request.unit}, function ${request.functionCode}, ${request.bytes} data bytes`;
      this.#misfit(
        request.sequence,
        `expected ${expected}; got unit ${unit}, function ${functionCode}, ${Math.max(0, frame.length - 9)} data bytes`,
      );
    }
  }
}

/** A TCP socket with the guard in its way. */
export class GuardedSocket extends Socket {
  readonly guard: MbapGuard;

  constructor(misfit: (sequence: number, what: string) => void) {
    super();
    this.guard = new MbapGuard(this, misfit);
  }
}

type Callback = (error?: Error | null) => void;

const refusal = (frame: Buffer): FettleError =>
  new FettleError('FETTLE_MODBUS_REFUSED', `not sent: ${frame.length} bytes that are not a Modbus read (function code ${frame[7]})`, {
    hint: 'this gateway only reads; this is a defect of it, please report it',
  });
