import { crc16 } from '../../../src/sources/modbus/crc16.ts';
import { frame as mbapFrame, type RawRequest } from './raw-device.ts';
import type { RtuRequest } from './rtu-device.ts';

/** What a device may do wrong with one answer. */
export const answerFaults = ['late', 'wrong unit', 'wrong length', 'bad checksum', 'silence', 'in pieces', 'twice'] as const;
export type AnswerFault = (typeof answerFaults)[number] | `exception ${number}` | 'none';

/** Registers whose address is odd hold the time in ms, the others a number of their own. */
export const registerValue = (unit: number, address: number, wallMs: number): number =>
  address % 2 === 1
    ? (Math.floor(wallMs) + unit * 7919 + address * 104_729) & 0xffff
    : crc16(Buffer.from([unit, address >> 8, address & 0xff]), 0, 3);

/** How far a value of an odd register is from the time, ms; half a minute and more wraps. */
export function ageMs(unit: number, address: number, value: number, wallMs: number): number {
  const difference = (registerValue(unit, address, wallMs) - value) & 0xffff;
  return difference > 0x7fff ? difference - 0x10000 : difference;
}

type Asked = RawRequest | RtuRequest;

const isTcp = (request: Asked): request is RawRequest => 'socket' in request;

function send(request: Asked, bytes: Buffer): void {
  if (!isTcp(request)) request.write(bytes);
  else if (!request.socket.destroyed) request.socket.write(bytes);
}

function frameOf(request: Asked, unit: number, pdu: Buffer): Buffer {
  if (isTcp(request)) return mbapFrame(request.transaction, unit, pdu);
  const bytes = Buffer.concat([Buffer.from([unit]), pdu, Buffer.alloc(2)]);
  bytes.writeUInt16LE(crc16(bytes, 0, bytes.length - 2), bytes.length - 2);
  return bytes;
}

function pduOf({ unit, functionCode, address }: Asked, count: number): Buffer {
  const pdu = Buffer.alloc(2 + count * 2);
  pdu[0] = functionCode;
  pdu[1] = count * 2;
  const nowMs = Date.now();
  for (let i = 0; i < count; i++) pdu.writeUInt16BE(registerValue(unit, address + i, nowMs), 2 + i * 2);
  return pdu;
}

/** Answers a read of registers, over TCP or RTU, with this fault. `random` in [0, 1) chooses among its forms. */
export function answerWith(fault: AnswerFault, request: Asked, random: () => number): void {
  const reply = frameOf(request, request.unit, pduOf(request, request.count));
  if (fault === 'late') {
    // Into the next requests, or long after; the value is as old as the answer is late.
    setTimeout(() => send(request, reply), random() < 0.6 ? 40 + random() * 100 : 250 + random() * 600);
  } else if (fault === 'in pieces') {
    const cut = 1 + Math.floor(random() * (reply.length - 1));
    send(request, reply.subarray(0, cut));
    setTimeout(() => send(request, reply.subarray(cut)), 4);
  } else if (fault !== 'silence') send(request, spoilt(fault, request, reply, random));
}

function spoilt(fault: AnswerFault, request: Asked, reply: Buffer, random: () => number): Buffer {
  const { unit, functionCode, count } = request;
  if (fault === 'wrong unit') return frameOf(request, (unit % 6) + 1, pduOf(request, count));
  if (fault === 'wrong length') return frameOf(request, unit, pduOf(request, count + (random() < 0.5 ? 1 : -1)));
  if (fault === 'twice') return Buffer.concat([reply, reply]);
  if (fault === 'bad checksum') {
    // TCP has none: a header that cannot be.
    const at = isTcp(request) ? 2 : Math.floor(random() * reply.length);
    reply[at] = (reply[at] as number) ^ (1 << Math.floor(random() * 8));
  }
  return fault.startsWith('exception ') ? frameOf(request, unit, Buffer.from([functionCode | 0x80, Number(fault.slice(10))])) : reply;
}
