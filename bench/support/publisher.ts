import { connect, type Socket } from 'node:net';

export const topics = 50;
export const channels = ['flow', 'pressure', 'current', 'vibration'] as const;
/** Event time between two messages of a topic: one row of the grid each. */
export const stepMs = 10;

const utf8 = (text: string): Buffer => {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
};

function packet(first: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const head = [first];
  let length = body.length;
  do {
    head.push((length & 0x7f) | (length > 0x7f ? 0x80 : 0));
    length >>= 7;
  } while (length > 0);
  return Buffer.concat([Buffer.from(head), body]);
}

/**
 * A load generator on a bare socket: MQTT 3.1.1, message k of a topic is row k of its asset. It costs a fraction of what it loads, so that the subject and the broker
 * have the machine to themselves.
 */
export class Publisher {
  readonly #socket: Socket;
  readonly #heads: Buffer[];
  readonly #qos: 0 | 1;
  readonly #values: number;
  readonly #rows: number[] = Array(topics).fill(0);
  readonly #spikes = new Map<number, { from: number; to: number }>();
  #packetId = 0;
  #unacknowledged = 0;
  readonly baseMs: number;
  sent = 0;

  private constructor(socket: Socket, qos: 0 | 1, values: number, root: string) {
    this.#socket = socket;
    this.#qos = qos;
    this.#values = values;
    // An hour ago, on the windows' grid: event time may run faster than the clock and never gets ahead of it.
    this.baseMs = Math.floor((Date.now() - 3_600_000) / 16_000) * 16_000;
    this.#heads = Array.from({ length: topics }, (_, i) => utf8(`${root}/a${i}/telemetry`));
    socket.on('data', (chunk: Buffer) => {
      // Only PUBACKs come after CONNACK: four bytes each.
      if (this.#qos === 1) this.#unacknowledged -= Math.round(chunk.length / 4);
    });
  }

  /** `values` is how many samples a channel has in one message. */
  static async connect(
    port: number,
    { qos = 0, values = 1, root = 'bench' }: { qos?: 0 | 1; values?: number; root?: string } = {},
  ): Promise<Publisher> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    socket.write(packet(0x10, utf8('MQTT'), Buffer.from([4, 2, 0, 0]), utf8(`publisher-${process.pid}-${Math.random()}`)));
    await new Promise<void>((resolve, reject) => {
      socket.once('data', () => resolve());
      socket.once('error', reject);
    });
    return new Publisher(socket, qos, values, root);
  }

  /** Rows `from`..`to` (exclusive) of a topic get a value far off. */
  spike(topic: number, from: number, to: number): void {
    this.#spikes.set(topic, { from, to });
  }

  rowOf(topic: number): number {
    return this.#rows[topic] as number;
  }

  get congested(): boolean {
    return this.#socket.writableLength > 256_000 || this.#unacknowledged > 20_000;
  }

  /** The next `count` messages, round robin over the topics, in one write. `onMessage` is told topic and row of each. */
  send(count: number, onMessage?: (topic: number, row: number) => void): void {
    const parts: Buffer[] = [];
    for (let i = 0; i < count; i++) {
      const topic = this.sent++ % topics;
      const row = (this.#rows[topic] as number)++;
      onMessage?.(topic, row);
      const spike = this.#spikes.get(topic);
      const off = spike !== undefined && row >= spike.from && row < spike.to ? 60 : 0;
      parts.push(this.#message(topic, row, off));
    }
    if (this.#qos === 1) this.#unacknowledged += count;
    this.#socket.write(Buffer.concat(parts));
  }

  /** Event time of a row. The topics are staggered, as machines are: their windows do not all close at once. */
  timeOf(topic: number, row: number): number {
    return this.baseMs + (row + topic) * stepMs;
  }

  /** Bytes of one payload: what JSON.parse alone is measured on. */
  payload(topic: number, row: number, off = 0): string {
    const phase = row * 0.05 + topic;
    const values = (base: number, swing: number, shift: number): string => {
      if (this.#values === 1) return (base + swing * Math.sin(phase + shift) + 0.3 * noise(row * 4 + shift * 7 + topic) + off).toFixed(3);
      return `[${Array.from({ length: this.#values }, (_, k) => (base + swing * Math.sin(phase + shift) + 0.3 * noise(k + row * this.#values + shift)).toFixed(2)).join(',')}]`;
    };
    return `{"ts":${this.timeOf(topic, row)},"flow":${values(40, 2, 0)},"pressure":${values(20, 1, 1)},"current":${values(12, 1, 2)},"vibration":${values(5, 0.5, 3)}}`;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.once('close', () => resolve());
      this.#socket.end();
      setTimeout(() => this.#socket.destroy(), 500).unref();
    });
  }

  #message(topic: number, row: number, off: number): Buffer {
    const payload = Buffer.from(this.payload(topic, row, off));
    if (this.#qos === 0) return packet(0x30, this.#heads[topic] as Buffer, payload);
    this.#packetId = (this.#packetId % 65_535) + 1;
    return packet(0x32, this.#heads[topic] as Buffer, Buffer.from([this.#packetId >> 8, this.#packetId & 255]), payload);
  }
}

/** A cheap, repeatable number in [-1, 1). */
const noise = (n: number): number => {
  const x = Math.sin(n * 12.9898) * 43_758.5453;
  return (x - Math.floor(x)) * 2 - 1;
};
