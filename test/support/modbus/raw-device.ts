import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';

/** One request as it came over the wire. */
export interface RawRequest {
  readonly transaction: number;
  readonly unit: number;
  readonly functionCode: number;
  readonly address: number;
  readonly count: number;
  /** Rising, over all connections. */
  readonly number: number;
  readonly socket: Socket;
}

export interface RawDevice {
  readonly url: string;
  readonly requests: RawRequest[];
  /** Everything received, frame or not. */
  readonly received: Buffer[];
  connections: number;
  /** Changes what requests get from now on. */
  answer: (request: RawRequest) => void;
  close(): Promise<void>;
}

export interface RawDeviceOptions {
  readonly idleMs?: number;
  readonly maxConnections?: number;
  readonly tls?: TlsOptions;
}

/**
 * Modbus TCP spoken by hand, so that it can be spoken wrongly. `answer` writes to the socket of the request whatever it likes; a
 * connection idle for `idleMs` is closed, and so is one beyond `maxConnections` (0: any).
 */
export async function startRawDevice(
  answer: (request: RawRequest) => void,
  { idleMs = 0, maxConnections = 0, tls }: RawDeviceOptions = {},
): Promise<RawDevice> {
  const sockets = new Set<Socket>();
  const serve = (socket: Socket): void => {
    if (maxConnections > 0 && sockets.size >= maxConnections) {
      socket.destroy();
      return;
    }
    device.connections++;
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.setTimeout(idleMs, () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (data) => {
      device.received.push(data);
      for (let at = 0; at + 12 <= data.length; at += 12) {
        const request: RawRequest = {
          transaction: data.readUInt16BE(at),
          unit: data.readUInt8(at + 6),
          functionCode: data.readUInt8(at + 7),
          address: data.readUInt16BE(at + 8),
          count: data.readUInt16BE(at + 10),
          number: device.requests.length,
          socket,
        };
        device.requests.push(request);
        device.answer(request);
      }
    });
  };
  const server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const listening = server.address();
  const device: RawDevice = {
    url: `${tls === undefined ? 'tcp' : 'modbus+tls'}://127.0.0.1:${typeof listening === 'object' ? listening?.port : 0}`,
    requests: [],
    received: [],
    connections: 0,
    answer,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
  return device;
}

/** A frame: MBAP header and PDU. */
export function frame(transaction: number, unit: number, pdu: Buffer | readonly number[]): Buffer {
  const body = Buffer.from(pdu);
  const header = Buffer.alloc(7);
  header.writeUInt16BE(transaction, 0);
  header.writeUInt16BE(body.length + 1, 4);
  header.writeUInt8(unit, 6);
  return Buffer.concat([header, body]);
}

/** The right answer to a read of registers: register n holds n, plus `offset`. */
export function registersReply({ transaction, unit, functionCode, address, count }: RawRequest, offset = 0): Buffer {
  const pdu = Buffer.alloc(2 + count * 2);
  pdu.writeUInt8(functionCode, 0);
  pdu.writeUInt8(count * 2, 1);
  for (let i = 0; i < count; i++) pdu.writeUInt16BE((address + i + offset) & 0xffff, 2 + i * 2);
  return frame(transaction, unit, pdu);
}

export const exceptionReply = ({ transaction, unit, functionCode }: RawRequest, code: number): Buffer =>
  frame(transaction, unit, [functionCode | 0x80, code]);

/** Answers as a good device does. */
export const answerWell = (request: RawRequest): void => {
  request.socket.write(registersReply(request));
};
