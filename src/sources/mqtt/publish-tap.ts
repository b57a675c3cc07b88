import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** One PUBLISH as it lies in the receive buffer; valid only during the call. */
export type PublishHandler = (
  buffer: Buffer,
  topicStart: number,
  topicEnd: number,
  payloadEnd: number,
  flags: number,
  packetId: number,
) => void;

export interface TapHandlers {
  readonly publish: PublishHandler;
  /** A message longer than the bound was passed over. */
  oversize(topic: string, bytes: number, packetId: number): void;
  /** The bytes of one read are used up. */
  endOfBurst(): void;
}

const publishType = 3;
/** Longest fixed and variable header that has to be seen before a message can be passed over: 5 + 2 + 65,535 + 2. */
const longestHead = 65_544;

/**
 * Stands between the socket and mqtt.js. PUBLISH packets are read here and handed on as ranges of the receive buffer; everything else
 * goes to mqtt.js, which keeps connection, subscriptions and keep-alive. So a message costs no packet object, and its PUBACK
 * is ours to send: after the commit. Holding PUBACKs inside mqtt.js's handleMessage would stop the stream (49 messages/s).
 */
export class PublishTap extends Duplex {
  readonly #socket: Socket;
  readonly #handlers: TapHandlers;
  readonly #maxPayload: number;
  readonly #version: 4 | 5;
  #rest: Buffer | undefined;
  /** Bytes of an oversize message still to be passed over. */
  #skip = 0;

  constructor(socket: Socket, version: 4 | 5, maxPayload: number, handlers: TapHandlers) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    this.#version = version;
    this.#maxPayload = maxPayload;
    this.#handlers = handlers;
    socket.on('data', (chunk: Buffer) => this.#feed(chunk));
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  /** QoS 1 acknowledgements (MQTT 3.1.1 and 5: reason code omitted means success). */
  acknowledge(packetIds: readonly number[]): void {
    if (packetIds.length === 0 || this.#socket.destroyed) return;
    const packets = Buffer.allocUnsafe(packetIds.length * 4);
    packetIds.forEach((id, i) => {
      packets.writeUInt32BE(0x4002_0000 + id, i * 4);
    });
    this.#socket.write(packets);
  }

  pauseSocket(): void {
    this.#socket.pause();
  }

  resumeSocket(): void {
    this.#socket.resume();
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#socket.write(chunk, callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#socket.end(callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#socket.destroy();
    callback(error);
  }

  #feed(chunk: Buffer): void {
    let buffer = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    let at = 0;
    if (this.#skip > 0) {
      at = Math.min(this.#skip, buffer.length);
      this.#skip -= at;
    }
    while (at < buffer.length) {
      // Remaining length: up to four bytes of seven bits (MQTT 5, 1.5.5).
      let length = 0;
      let shift = 0;
      let head = at + 1;
      let complete = false;
      while (head < buffer.length && shift <= 21) {
        const byte = buffer[head++] as number;
        length |= (byte & 0x7f) << shift;
        shift += 7;
        if (byte < 0x80) {
          complete = true;
          break;
        }
      }
      if (!complete) {
        if (shift > 21) return void this.destroy(new Error('the broker sent a packet with a malformed length'));
        break;
      }
      const end = head + length;
      const first = buffer[at] as number;
      const isPublish = first >> 4 === publishType;
      if (isPublish && length > this.#maxPayload + longestHead) {
        if (buffer.length - at < longestHead && buffer.length < end) break;
        this.#passOver(buffer, head, length, first);
        this.#skip = Math.max(0, end - buffer.length);
        at = Math.min(end, buffer.length);
        continue;
      }
      if (end > buffer.length) break;
      if (isPublish) this.#publish(buffer, head, end, first & 0x0f);
      else this.push(buffer.subarray(at, end));
      at = end;
    }
    if (at < buffer.length) {
      buffer = at === 0 ? buffer : buffer.subarray(at);
      this.#rest = buffer;
    }
    this.#handlers.endOfBurst();
  }

  #publish(buffer: Buffer, start: number, end: number, flags: number): void {
    const topicStart = start + 2;
    const topicEnd = topicStart + (((buffer[start] as number) << 8) | (buffer[start + 1] as number));
    let at = topicEnd;
    let packetId = 0;
    if ((flags & 0x06) !== 0) {
      packetId = ((buffer[at] as number) << 8) | (buffer[at + 1] as number);
      at += 2;
    }
    if (this.#version === 5) {
      let properties = 0;
      let shift = 0;
      let byte: number;
      do {
        byte = buffer[at++] ?? 0;
        properties |= (byte & 0x7f) << shift;
        shift += 7;
      } while (byte >= 0x80 && shift <= 21);
      this.#propertiesStart = at;
      at += properties;
    } else this.#propertiesStart = at;
    if (at > end) return void this.destroy(new Error('the broker sent a malformed PUBLISH'));
    if (end - at > this.#maxPayload) {
      this.#handlers.oversize(buffer.toString('utf8', topicStart, topicEnd), end - at, packetId);
      return;
    }
    this.#payloadStart = at;
    this.#handlers.publish(buffer, topicStart, topicEnd, end, flags, packetId);
  }

  #payloadStart = 0;
  #propertiesStart = 0;

  /** Where its properties begin; they end where the payload begins. */
  get propertiesStart(): number {
    return this.#propertiesStart;
  }

  /** Where the payload of the message being handled begins. */
  get payloadStart(): number {
    return this.#payloadStart;
  }

  #passOver(buffer: Buffer, start: number, length: number, first: number): void {
    const topicEnd = start + 2 + buffer.readUInt16BE(start);
    const packetId = (first & 0x06) !== 0 ? buffer.readUInt16BE(topicEnd) : 0;
    this.#handlers.oversize(buffer.toString('utf8', start + 2, topicEnd), length, packetId);
  }
}
