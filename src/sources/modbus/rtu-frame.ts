import { FettleError } from '../../core/errors.ts';
import { crc16 } from './crc16.ts';
import { protocolLimit, readFunction, replyBytes } from './table.ts';
import type { ReadRequest } from './transport.ts';

/** RTU frames of reads (Modbus over Serial Line V1.02, 2.5.1): unit, function, payload, CRC. Of requests only reads can be made here. */

export const requestBytes = 8;
/** Around the data of a reply: unit, function, byte count, CRC. */
const replyOverhead = 5;
const exceptionBytes = 5;
/** No frame is longer (2.5.1). */
export const longestFrame = 256;

/** What the reply to a read must look like. */
export interface ExpectedReply {
  readonly unit: number;
  readonly functionCode: number;
  /** Data bytes. */
  readonly bytes: number;
  /** The request as sent: on a two-wire line it may come back. */
  readonly echo: Buffer;
}

export const replyLength = ({ bytes }: { readonly bytes: number }): number => bytes + replyOverhead;

export function requestFrame({ unit, table, address, count }: ReadRequest): Buffer {
  const frame = Buffer.allocUnsafe(requestBytes);
  frame[0] = unit;
  frame[1] = readFunction[table];
  frame.writeUInt16BE(address, 2);
  frame.writeUInt16BE(count, 4);
  frame.writeUInt16LE(crc16(frame, 0, 6), 6);
  return frame;
}

export const expectedReply = (request: ReadRequest, echo: Buffer): ExpectedReply => ({
  unit: request.unit,
  functionCode: readFunction[request.table],
  bytes: replyBytes(request.table, request.count),
  echo,
});

/** The last door before the line: exactly one read request (function codes 1 to 4, within the protocol's limits), or it is not sent. */
export function assertRead(frame: Buffer): void {
  if (frame.length === requestBytes && frame.readUInt16LE(6) === crc16(frame, 0, 6)) {
    const functionCode = frame[1] as number;
    const count = frame.readUInt16BE(4);
    const limit = functionCode <= 2 ? protocolLimit.bits : protocolLimit.registers;
    if (functionCode >= 1 && functionCode <= 4 && count >= 1 && count <= limit) return;
  }
  throw new FettleError('FETTLE_MODBUS_REFUSED', `not sent: ${frame.length} bytes that are not a Modbus read (function code ${frame[1]})`, {
    hint: 'this gateway only reads; this is a defect of it, please report it',
  });
}

export interface FoundReply {
  /** Exception code; undefined for a reply with data. */
  readonly exception: number | undefined;
  readonly data: Buffer;
  readonly start: number;
  readonly end: number;
}

/**
 * The first frame from `from` on that answers the read: right unit, function, length and CRC. What stands before it (a glitch of
 * the driver, an echo, another unit's late reply) is passed over.
 *
 * A frame equal to the request is its echo, never a reply: the echo of a read of 17 to 24 coils at 0x03xx fits as one.
 */
export function findReply(bytes: Buffer, expected: ExpectedReply, from = 0): FoundReply | undefined {
  const { unit, functionCode } = expected;
  for (let start = from; start + exceptionBytes <= bytes.length; start++) {
    if (bytes[start] !== unit) continue;
    const code = bytes[start + 1];
    if (code === functionCode && bytes[start + 2] === expected.bytes) {
      const end = start + replyLength(expected);
      if (end > bytes.length || !hasCrc(bytes, start, end) || isEcho(bytes, start, end, expected.echo)) continue;
      return { exception: undefined, data: bytes.subarray(start + 3, end - 2), start, end };
    }
    const end = start + exceptionBytes;
    if (code === (functionCode | 0x80) && hasCrc(bytes, start, end))
      return { exception: bytes[start + 2] as number, data: bytes.subarray(end, end), start, end };
  }
  return undefined;
}

/** Unit of a whole reply to a read, or exception, that these bytes are; undefined for anything else. */
export function unitOfReply(bytes: Buffer): number | undefined {
  const functionCode = bytes[1] as number;
  const length = functionCode >= 0x81 && functionCode <= 0x84 ? exceptionBytes : (bytes[2] as number) + replyOverhead;
  const isRead = (functionCode & 0x7f) >= 1 && (functionCode & 0x7f) <= 4;
  return isRead && bytes.length === length && hasCrc(bytes, 0, length) ? bytes[0] : undefined;
}

/** Whether this is the whole reply with a bit or two fallen over: only the CRC is wrong. */
export const isGarbled = (bytes: Buffer, { unit, functionCode, bytes: count }: ExpectedReply): boolean =>
  bytes.length === count + replyOverhead &&
  bytes[0] === unit &&
  bytes[1] === functionCode &&
  bytes[2] === count &&
  !hasCrc(bytes, 0, bytes.length);

const hasCrc = (bytes: Buffer, start: number, end: number): boolean => bytes.readUInt16LE(end - 2) === crc16(bytes, start, end - 2);

const isEcho = (bytes: Buffer, start: number, end: number, echo: Buffer): boolean =>
  end - start === echo.length && bytes.compare(echo, 0, echo.length, start, end) === 0;
