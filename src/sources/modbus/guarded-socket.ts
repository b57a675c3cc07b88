import { Socket } from 'node:net';
import { FettleError } from '../../core/errors.ts';

interface Outstanding {
  readonly unit: number;
  readonly functionCode: number;
  /** Data bytes the reply must have. */
  readonly bytes: number;
}

const headerBytes = 6;
/** Longest ADU (Modbus messaging on TCP/IP 1.0b, 4.1) behind the six bytes of its header. */
const longestPdu = 254;

/**
 * A socket that lets only reads out and only fitting replies in. modbus-serial checks neither: it would send what it is told, match a reply by a transaction
 * number that wraps at 256, and choke on malformed lengths. Everything that passes here answers a request that still waits, with the
 * right unit, function and length; a late reply is dropped; anything else ends the connection.
 */
export class GuardedSocket extends Socket {
  readonly #outstanding = new Map<number, Outstanding>();
  /** Given up, its reply may still come: the number must not be used again on this connection. */
  readonly #expired = new Set<number>();
  #rest: Buffer | undefined;
  lateReplies = 0;

  /** Requests that wait no longer. */
  expireAll(): void {
    for (const id of this.#outstanding.keys()) this.#expired.add(id);
    this.#outstanding.clear();
  }

  // biome-ignore lint/suspicious/noExplicitAny: the overloads of Socket.write
  override write(chunk: any, ...rest: any[]): boolean {
    const problem = this.#register(chunk as Buffer);
    if (problem !== undefined) {
      this.destroy(problem);
      return false;
    }
    return super.write(chunk as Buffer, ...(rest as []));
  }

  // biome-ignore lint/suspicious/noExplicitAny: the signature of EventEmitter.emit
  override emit(event: string | symbol, ...values: any[]): boolean {
    if (event !== 'data') return super.emit(event as 'data', ...(values as [Buffer]));
    this.#check(values[0] as Buffer);
    return true;
  }

  #register(frame: Buffer): FettleError | undefined {
    const id = frame.readUInt16BE(0);
    const functionCode = frame.readUInt8(7);
    if (functionCode < 1 || functionCode > 4) {
      return new FettleError('FETTLE_MODBUS_FRAMING', `function code ${functionCode} was stopped: the field bus is only read`);
    }
    if (this.#expired.has(id)) {
      return new FettleError('FETTLE_MODBUS_UNREACHABLE', 'reconnecting: replies of this connection could come too late to be told apart');
    }
    const quantity = frame.readUInt16BE(10);
    const bytes = functionCode <= 2 ? Math.ceil(quantity / 8) : quantity * 2;
    this.#outstanding.set(id, { unit: frame.readUInt8(6), functionCode, bytes });
    return undefined;
  }

  #check(chunk: Buffer): void {
    let buffer = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    while (buffer.length >= headerBytes) {
      const length = buffer.readUInt16BE(4);
      if (buffer.readUInt16BE(2) !== 0 || length < 3 || length > longestPdu) {
        this.destroy(new FettleError('FETTLE_MODBUS_FRAMING', `the device sent bytes that are no Modbus TCP (${buffer.subarray(0, 12).toString('hex')})`));
        return;
      }
      if (buffer.length < headerBytes + length) break;
      const frame = buffer.subarray(0, headerBytes + length);
      buffer = buffer.subarray(headerBytes + length);
      if (!this.#fits(frame)) return;
    }
    if (buffer.length > 0) this.#rest = buffer;
  }

  /** Hands a fitting reply on. Returns false when the connection was ended. */
  #fits(frame: Buffer): boolean {
    const id = frame.readUInt16BE(0);
    const request = this.#outstanding.get(id);
    if (request === undefined) {
      this.lateReplies++;
      this.#expired.delete(id);
      return true;
    }
    const unit = frame.readUInt8(6);
    const functionCode = frame.readUInt8(7);
    const isException = functionCode === (request.functionCode | 0x80) && frame.length === 9;
    const isReply = functionCode === request.functionCode && frame.readUInt8(8) === request.bytes && frame.length === 9 + request.bytes;
    if (unit !== request.unit || !(isException || isReply)) {
      this.destroy(
        new FettleError(
          'FETTLE_MODBUS_FRAMING',
          `the device answered unit ${request.unit}, function ${request.functionCode}, ${request.bytes} bytes with unit ${unit}, function ${functionCode}, ${frame.length - 9} bytes`,
        ),
      );
      return false;
    }
    this.#outstanding.delete(id);
    super.emit('data', frame);
    return true;
  }
}
