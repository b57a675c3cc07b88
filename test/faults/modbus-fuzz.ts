import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { seededRandom } from '../../src/core/seeded-random.ts';
import type { BytePort } from '../../src/sources/modbus/byte-port.ts';
import { DrainGuard } from '../../src/sources/modbus/drain-guard.ts';
import { RtuTransport } from '../../src/sources/modbus/rtu-transport.ts';
import { TcpTransport } from '../../src/sources/modbus/tcp-transport.ts';
import type { ModbusTransport } from '../../src/sources/modbus/transport.ts';
import { exceptionReply, frame, type RawRequest, registersReply, startRawDevice } from '../support/modbus/raw-device.ts';
import { answerWellRtu, RtuListener, type RtuRequest, rtuException, rtuFrame, rtuReply } from '../support/modbus/rtu-device.ts';

export interface FuzzAccount {
  /** Malformed replies sent. */
  readonly malformed: number;
  /** Values taken from well-formed ones. */
  readonly right: number;
  readonly wrong: readonly string[];
  /** Well-formed replies that were not taken. */
  readonly refused: number;
  /** Growth of the heap over the last four fifths, bytes. */
  readonly growth: number;
}

type Random = () => number;
const below = (random: Random, limit: number): number => Math.floor(random() * limit);
const randomBytes = (random: Random, length: number): Buffer => Buffer.from(Array.from({ length }, () => below(random, 256)));

const flip = (bytes: Buffer, at: number, bits: number): void => {
  bytes[at] = (bytes[at] as number) ^ bits;
};

/** Bit by bit and window by window, so that a mistake of the code under test is not made here too. */
function holdsReply(bytes: Buffer, { unit, functionCode, count }: RtuRequest): boolean {
  const length = 5 + count * 2;
  for (let start = 0; start + 5 <= bytes.length; start++) {
    const isException = bytes[start] === unit && bytes[start + 1] === (functionCode | 0x80);
    const size = isException ? 5 : length;
    if (start + size > bytes.length) continue;
    let crc = 0xffff;
    for (let i = start; i < start + size - 2; i++) {
      crc ^= bytes[i] as number;
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
    }
    const isFitting = isException || (bytes[start] === unit && bytes[start + 1] === functionCode && bytes[start + 2] === count * 2);
    if (isFitting && bytes.readUInt16LE(start + size - 2) === crc) return true;
  }
  return false;
}

/** A reply that no client may take, over RTU. */
function malformedRtu(request: RtuRequest, random: Random): Buffer {
  for (;;) {
    const bytes = spoiltRtu(request, random);
    // A damage that leaves a valid checksum is beyond what RTU can tell.
    if (!holdsReply(bytes, request)) return bytes;
  }
}

function spoiltRtu(request: RtuRequest, random: Random): Buffer {
  const right = rtuReply(request);
  const at = below(random, right.length);
  switch (below(random, 10)) {
    case 0:
      return right.subarray(0, at);
    case 1:
      return Buffer.concat([right.subarray(0, at), randomBytes(random, 1 + below(random, 4)), right.subarray(at)]);
    case 2:
      return Buffer.concat([right.subarray(0, at), right.subarray(at + 1 + below(random, 3))]);
    case 3:
      for (let n = 1 + below(random, 3); n > 0; n--) flip(right, below(random, right.length), 1 << below(random, 8));
      return right;
    case 4:
      return randomBytes(random, 1 + below(random, 300));
    case 5:
      return rtuReply({ ...request, unit: (request.unit + 1 + below(random, 250)) % 256 });
    case 6:
      return rtuReply({ ...request, functionCode: (request.functionCode % 4) + 1 });
    case 7:
      return rtuReply({ ...request, count: request.count + 1 + below(random, 5) });
    case 8:
      return rtuException({ ...request, unit: request.unit ^ (1 + below(random, 255)) }, below(random, 256));
    default:
      // A length that promises more, or less, than there is.
      return rtuFrame(
        Buffer.concat([Buffer.from([request.unit, request.functionCode, below(random, 256)]), randomBytes(random, below(random, 40))]),
      );
  }
}

/** The same over TCP, which has no checksum: what lies in the data of a fitting frame cannot be told from a value, so it is left alone. */
function malformedTcp(request: RawRequest, random: Random): Buffer {
  const right = registersReply(request);
  switch (below(random, 9)) {
    case 0:
      return right.subarray(0, below(random, right.length));
    case 1:
      // The protocol, or the length.
      flip(right, 2 + below(random, 4), 1 << below(random, 8));
      return right;
    case 2:
      right.writeUInt16BE((request.transaction + 1000 + below(random, 60_000)) & 0xffff, 0);
      return right;
    case 3:
      return registersReply({ ...request, unit: request.unit ^ (1 + below(random, 255)) });
    case 4:
      return registersReply({ ...request, functionCode: (request.functionCode % 4) + 1 });
    case 5:
      return registersReply({ ...request, count: request.count + 1 + below(random, 5) });
    case 6:
      flip(right, 8, 1 + below(random, 255));
      return right;
    case 7:
      return exceptionReply({ ...request, unit: request.unit ^ (1 + below(random, 255)) }, below(random, 256));
    default:
      return frame(request.transaction, request.unit, [request.functionCode ^ 0x40, ...randomBytes(random, below(random, 250))]);
  }
}

class Account {
  malformed = 0;
  right = 0;
  refused = 0;
  readonly wrong: string[] = [];
}

/** One transport after the other, one read after the other, until enough malformed replies were sent. */
async function readOn(
  open: () => Promise<ModbusTransport>,
  base: number,
  replies: number,
  account: Account,
  wasRight: () => boolean,
): Promise<void> {
  let transport = await open();
  for (let n = 0; account.malformed < replies; n++) {
    const address = (n * 7) % 1000;
    const count = 1 + (n % 12);
    try {
      const data = await transport.read({ unit: 1 + (n % 3), table: 'holdingRegister', address, count });
      let isRight = data.length === count * 2 && wasRight();
      for (let i = 0; i < count && isRight; i++) isRight = data.readUInt16BE(i * 2) === address + i + base * (1 + (n % 3));
      if (isRight) account.right++;
      else account.wrong.push(`register ${address}: ${data.toString('hex')}${wasRight() ? '' : ' of a malformed reply'}`);
    } catch (error) {
      if (!String((error as { code?: string }).code).startsWith('FETTLE_MODBUS_')) account.wrong.push(`not an error of ours: ${error}`);
      else if (wasRight()) account.refused++;
    }
    if (!transport.isWorn && !(await isClosed(transport))) continue;
    transport.close();
    await transport.closed;
    transport = await open();
  }
  transport.close();
  await transport.closed;
}

const isClosed = (transport: ModbusTransport): Promise<boolean> =>
  Promise.race([transport.closed.then(() => true), new Promise<boolean>((resolve) => setImmediate(() => resolve(false)))]);

/** A port whose other end is a function. */
class DirectPort implements BytePort {
  readonly #device: RtuListener;
  #listener: ((bytes: Buffer) => void) | undefined;
  #end: (() => void) | undefined;
  readonly closed = new Promise<undefined>((resolve) => {
    this.#end = () => resolve(undefined);
  });

  constructor(device: RtuListener) {
    this.#device = device;
  }

  async send(bytes: Buffer): Promise<void> {
    this.#device.hear(bytes, (reply) => setImmediate(() => this.#listener?.(reply)));
    this.#device.requests.length = 0;
    this.#device.received.length = 0;
  }

  listen(listener: (bytes: Buffer) => void): void {
    this.#listener = listener;
  }

  close(): void {
    this.#listener = undefined;
    this.#end?.();
  }
}

/** Most of the time goes by in time-outs. */
const lanes = { rtu: 256, tcp: 128 };
/** One in so many replies is well-formed. */
const goodEvery = 8;

/** `replies` malformed Modbus replies through the transports, half of them RTU and half TCP, in this process. */
export async function fuzzModbus(replies: number, seed: number): Promise<FuzzAccount> {
  const account = new Account();
  const heaps: number[] = [];
  const watch = setInterval(() => {
    if (account.malformed < (replies * (heaps.length + 1)) / 5) return;
    heaps.push(heapBytes());
  }, 50);
  const half = Math.floor(replies / 2);
  await Promise.all(Array.from({ length: lanes.rtu }, (_, lane) => rtuLane(seed + lane, half, account)));
  await Promise.all(Array.from({ length: lanes.tcp }, (_, lane) => tcpLane(seed + lane, replies, account)));
  clearInterval(watch);
  const { malformed, right, wrong, refused } = account;
  return { malformed, right, wrong, refused, growth: heapBytes() - (heaps[0] ?? heapBytes()) };
}

async function rtuLane(seed: number, replies: number, account: Account): Promise<void> {
  const random = seededRandom(seed);
  let isGood = false;
  const device = new RtuListener((request) => {
    isGood = below(random, goodEvery) === 0;
    if (isGood) return answerWellRtu(request);
    account.malformed++;
    request.write(malformedRtu(request, random));
  });
  // Nothing comes late here, so nothing has to be waited for.
  const guard = new DrainGuard({ drainMs: 0, quietMs: 0 });
  const open = async () => new RtuTransport(new DirectPort(device), { url: 'rtu:///fuzz', timeoutMs: 2, characterMs: 0, guard });
  await readOn(open, 1000, replies, account, () => isGood);
}

async function tcpLane(seed: number, replies: number, account: Account): Promise<void> {
  const random = seededRandom(seed);
  let isGood = false;
  const device = await startRawDevice((request) => {
    isGood = below(random, goodEvery) === 0;
    if (!isGood) account.malformed++;
    request.socket.write(isGood ? registersReply(request) : malformedTcp(request, random));
    device.requests.length = 0;
    device.received.length = 0;
  });
  const open = () => TcpTransport.open({ url: device.url, timeoutMs: 20 }, new AbortController().signal);
  await readOn(open, 0, replies, account, () => isGood);
  await device.close();
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
