import { constants, openSync, writeSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { ReadStream } from 'node:tty';
import { crc16 } from '../../../src/sources/modbus/crc16.ts';

/** One request as it came over the line. */
export interface RtuRequest {
  readonly unit: number;
  readonly functionCode: number;
  readonly address: number;
  readonly count: number;
  /** Rising. */
  readonly number: number;
  /** Of the device's clock, ms. */
  readonly atMs: number;
  readonly write: (bytes: Buffer) => void;
}

export interface RtuDevice {
  readonly requests: RtuRequest[];
  /** Everything received, frame or not. */
  readonly received: Buffer[];
  answer: (request: RtuRequest) => void;
}

/** Modbus RTU spoken by hand, so that it can be spoken wrongly: requests out of a stream of bytes. */
export class RtuListener implements RtuDevice {
  readonly requests: RtuRequest[] = [];
  readonly received: Buffer[] = [];
  answer: (request: RtuRequest) => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(answer: (request: RtuRequest) => void) {
    this.answer = answer;
  }

  hear(bytes: Buffer, write: (bytes: Buffer) => void): void {
    this.received.push(bytes);
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= 8) {
      const frame = this.#rest.subarray(0, 8);
      if (frame.readUInt16LE(6) !== crc16(frame, 0, 6)) {
        this.#rest = this.#rest.subarray(1);
        continue;
      }
      this.#rest = this.#rest.subarray(8);
      const request: RtuRequest = {
        unit: frame[0] as number,
        functionCode: frame[1] as number,
        address: frame.readUInt16BE(2),
        count: frame.readUInt16BE(4),
        number: this.requests.length,
        atMs: performance.now(),
        write,
      };
      this.requests.push(request);
      this.answer(request);
    }
  }
}

/** On the far end of a pty pair. The returned function ends it. */
export function listenOnPty(path: string, device: RtuListener): () => void {
  const fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  const stream = new ReadStream(fd);
  const write = (bytes: Buffer) => {
    if (!stream.destroyed) writeSync(fd, bytes);
  };
  stream.on('error', () => {});
  stream.on('data', (bytes: Buffer) => device.hear(bytes, write));
  return () => stream.destroy();
}

export interface RtuServer {
  readonly device: RtuListener;
  readonly url: string;
  connections: number;
  readonly sockets: Set<Socket>;
  close(): Promise<void>;
}

/** A serial server: the bytes of the line over TCP. Closes what is idle for `idleMs`, and connections beyond `maxConnections` (0: never). */
export async function startRtuServer(answer: (request: RtuRequest) => void, { idleMs = 0, maxConnections = 0 } = {}): Promise<RtuServer> {
  const device = new RtuListener(answer);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    if (maxConnections > 0 && sockets.size >= maxConnections) {
      socket.destroy();
      return;
    }
    running.connections++;
    socket.setTimeout(idleMs, () => socket.destroy());
    const write = (reply: Buffer) => {
      if (!socket.destroyed) socket.write(reply);
    };
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (bytes) => device.hear(bytes, write));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const listening = server.address();
  const running: RtuServer = {
    device,
    url: `rtu+tcp://127.0.0.1:${typeof listening === 'object' ? listening?.port : 0}`,
    connections: 0,
    sockets,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
  return running;
}

/** Bytes with their CRC behind them. */
export function rtuFrame(bytes: Buffer | readonly number[]): Buffer {
  const body = Buffer.from(bytes);
  const crc = Buffer.alloc(2);
  crc.writeUInt16LE(crc16(body, 0, body.length));
  return Buffer.concat([body, crc]);
}

type Asked = Pick<RtuRequest, 'unit' | 'functionCode' | 'address' | 'count'>;

/** The right answer: register n of unit u holds n + 1000 u; coil n is (n + u) odd. */
export function rtuReply({ unit, functionCode, address, count }: Asked): Buffer {
  if (functionCode <= 2) {
    const bits = Buffer.alloc(Math.ceil(count / 8));
    for (let i = 0; i < count; i++) if ((address + i + unit) % 2 === 1) bits[i >> 3] = (bits[i >> 3] as number) | (1 << (i & 7));
    return rtuFrame(Buffer.concat([Buffer.from([unit, functionCode, bits.length]), bits]));
  }
  const data = Buffer.alloc(count * 2);
  for (let i = 0; i < count; i++) data.writeUInt16BE((address + i + 1000 * unit) & 0xffff, i * 2);
  return rtuFrame(Buffer.concat([Buffer.from([unit, functionCode, data.length]), data]));
}

export const rtuException = ({ unit, functionCode }: Asked, code: number): Buffer => rtuFrame([unit, functionCode | 0x80, code]);

export const answerWellRtu = (request: RtuRequest): void => request.write(rtuReply(request));
