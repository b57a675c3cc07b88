import { createServer, type Server, type Socket } from 'node:net';
import { FettleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { bitsAt, type Exposed, type Point, registersAt } from './register-map.ts';

const headerBytes = 7;
/** Longest ADU there is (Modbus Messaging on TCP/IP 1.0b, 4.1). */
const longestAdu = 260;
const connectionsBound = 32;
/** A client that says nothing for so long has gone. */
const idleMs = 300_000;

const illegalFunction = 1;
const illegalAddress = 2;
const illegalValue = 3;

/** Answers one request PDU: reads only; everything else is refused with an exception. `undefined`: not a PDU at all. */
export function answerTo(pdu: Uint8Array, points: readonly Point[], exposed: () => Exposed): Uint8Array | undefined {
  const [code] = pdu;
  if (code === undefined || code >= 0x80) return undefined;
  const refuse = (reason: number): Uint8Array => Uint8Array.of(code | 0x80, reason);
  if (code < 1 || code > 4) return refuse(illegalFunction);
  if (pdu.length !== 5) return refuse(illegalValue);
  const view = new DataView(pdu.buffer, pdu.byteOffset);
  const [from, count] = [view.getUint16(1), view.getUint16(3)];
  const isBits = code <= 2;
  if (count < 1 || count > (isBits ? 2000 : 125)) return refuse(illegalValue);
  if (from + count > 65_536) return refuse(illegalAddress);
  if (isBits) {
    const bits = bitsAt(points, exposed(), from, count);
    const answer = new Uint8Array(2 + Math.ceil(count / 8));
    answer[0] = code;
    answer[1] = answer.length - 2;
    bits.forEach((bit, i) => {
      if (bit) answer[2 + (i >> 3)] = (answer[2 + (i >> 3)] as number) | (1 << (i & 7));
    });
    return answer;
  }
  const answer = new Uint8Array(2 + 2 * count);
  answer[0] = code;
  answer[1] = 2 * count;
  const out = new DataView(answer.buffer);
  for (const [i, register] of registersAt(points, exposed(), from, count).entries()) out.setUint16(2 + 2 * i, register);
  return answer;
}

/** Alarms and scores for an HMI or PLC to read over Modbus TCP. Nothing can be written, here or to a PLC. */
export class ModbusServer {
  readonly #points: readonly Point[];
  readonly #exposed: () => Exposed;
  readonly #log: Logger;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  port = 0;

  /** `exposed` is asked at each request. */
  constructor(points: readonly Point[], exposed: () => Exposed, log: Logger) {
    this.#points = points;
    this.#exposed = exposed;
    this.#log = log;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Throws FETTLE_CONFIG_INVALID where the port is taken or not allowed. */
  async start(host: string, port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) =>
        reject(
          new FettleError('FETTLE_CONFIG_INVALID', `expose.modbus: cannot listen on ${host}:${port}: ${error.message}`, {
            cause: error,
            hint: 'is the port taken, or below 1024 without the right to it?',
          }),
        ),
      );
      this.#server.listen(port, host, resolve);
    });
    this.port = (this.#server.address() as { port: number }).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(socket: Socket): void {
    if (this.#sockets.size >= connectionsBound) {
      this.#log.warn({ from: socket.remoteAddress }, `more than ${connectionsBound} clients of the Modbus server; one is turned away`);
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.setTimeout(idleMs, () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
    let waiting = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
      while (waiting.length >= headerBytes) {
        const length = waiting.readUInt16BE(4);
        // Not Modbus, or no longer in step with it: there is no way back.
        if (waiting.readUInt16BE(2) !== 0 || length < 2 || length + 6 > longestAdu) return void socket.destroy();
        if (waiting.length < 6 + length) return;
        const pdu = answerTo(waiting.subarray(headerBytes, 6 + length), this.#points, this.#exposed);
        if (pdu === undefined) return void socket.destroy();
        const answer = Buffer.alloc(headerBytes + pdu.length);
        waiting.copy(answer, 0, 0, headerBytes);
        answer.writeUInt16BE(pdu.length + 1, 4);
        answer.set(pdu, headerBytes);
        // Who asks and does not read is let go.
        if (socket.writableLength > 1_000_000) return void socket.destroy();
        socket.write(answer);
        waiting = waiting.subarray(6 + length);
      }
    });
  }
}
