import { isStanding, priorities, waitsForSomebody, watchingWords } from '../core/alarm.ts';
import { healthOf, healthStates } from '../core/health.ts';
import type { GatewayStatus } from '../gateway/status.ts';
import { type AlarmPlace, alarmBits } from './alarm-bits.ts';

/** Raised when a register changes its meaning. 2: what is over or latched and was seen by nobody waits for somebody too; a bit for each alarm. */
export const mapVersion = 2;

/** What the registers are made of. */
export interface Exposed {
  readonly status: Pick<GatewayStatus, 'state' | 'assets'>;
  /** Score over limit and its event time, by asset. */
  readonly ratios: ReadonlyMap<string, number>;
  readonly nowMs: number;
  /** Counts seconds; stands still when the gateway does. */
  readonly heartbeat: number;
}

/** One line of the register list. */
export interface Point {
  readonly table: 'bit' | 'register';
  /** From 0. Bits are coils and discrete inputs alike, registers are holding and input registers alike. */
  readonly address: number;
  readonly type: 'bool' | 'uint16' | 'uint32' | 'float32';
  readonly name: string;
  readonly meaning: string;
  readonly read: (exposed: Exposed) => number;
}

const firstAssetBit = 16;
const bitsPerAsset = 4;
const firstAssetRegister = 100;
const registersPerAsset = 10;
/** As many as Modbus addresses have room for. */
export const mostAssets = Math.floor((65_536 - firstAssetRegister) / registersPerAsset);

const standing = ({ status }: Exposed) => status.assets.flatMap(({ alarms }) => alarms.filter(({ state }) => isStanding(state)));
const waiting = ({ status }: Exposed): number =>
  status.assets.reduce((sum, { alarms }) => sum + alarms.filter(({ state }) => waitsForSomebody(state)).length, 0);
const assetOf = ({ status }: Exposed, asset: string) => status.assets.find((one) => one.asset === asset);
const listed = (words: readonly string[]): string => words.map((word, i) => `${i} ${word}`).join(', ');

/** Of the gateway, then of each asset in this order, then a bit for each alarm. Words are big-endian, the high one first (ABCD). */
export function registerMap(places: readonly AlarmPlace[]): Point[] {
  const assets = places.map(({ asset }) => asset);
  const gateway: Point[] = [
    {
      table: 'bit',
      address: 0,
      type: 'bool',
      name: 'gateway/healthy',
      meaning: '1: sources, sinks and journal are well',
      read: ({ status }) => Number(status.state === 'good'),
    },
    {
      table: 'bit',
      address: 1,
      type: 'bool',
      name: 'gateway/alarm',
      meaning: '1: an alarm stands',
      read: (exposed) => Number(standing(exposed).length > 0),
    },
    {
      table: 'bit',
      address: 2,
      type: 'bool',
      name: 'gateway/unacknowledged',
      meaning: '1: an alarm waits for somebody',
      read: (exposed) => Number(waiting(exposed) > 0),
    },
    {
      table: 'register',
      address: 0,
      type: 'uint16',
      name: 'gateway/heartbeat',
      meaning: 'one more each second, from 65535 to 0',
      read: ({ heartbeat }) => heartbeat % 65_536,
    },
    {
      table: 'register',
      address: 1,
      type: 'uint16',
      name: 'gateway/map-version',
      meaning: `${mapVersion} for this list`,
      read: () => mapVersion,
    },
    { table: 'register', address: 2, type: 'uint16', name: 'gateway/assets', meaning: 'how many assets follow', read: () => assets.length },
    {
      table: 'register',
      address: 3,
      type: 'uint16',
      name: 'gateway/standing',
      meaning: 'alarms that stand',
      read: (exposed) => standing(exposed).length,
    },
    {
      table: 'register',
      address: 4,
      type: 'uint16',
      name: 'gateway/unacknowledged',
      meaning: 'alarms that wait for somebody',
      read: waiting,
    },
    {
      table: 'register',
      address: 6,
      type: 'uint32',
      name: 'gateway/time',
      meaning: 'seconds since 1970, UTC',
      read: ({ nowMs }) => Math.floor(nowMs / 1000),
    },
  ];
  return [
    ...gateway,
    ...assets.flatMap((asset, i) => assetPoints(asset, firstAssetBit + bitsPerAsset * i, firstAssetRegister + registersPerAsset * i)),
    ...alarmBits(places),
  ];
}

function assetPoints(asset: string, bit: number, register: number): Point[] {
  const alarmsOf = (exposed: Exposed) => assetOf(exposed, asset)?.alarms.filter(({ state }) => isStanding(state)) ?? [];
  const healthIs = (exposed: Exposed): number => {
    const state = assetOf(exposed, asset);
    return healthStates.indexOf(state === undefined ? 'failure' : healthOf(state));
  };
  return [
    {
      table: 'bit',
      address: bit,
      type: 'bool',
      name: `${asset}/alarm`,
      meaning: '1: an alarm stands',
      read: (exposed) => Number(alarmsOf(exposed).length > 0),
    },
    {
      table: 'bit',
      address: bit + 1,
      type: 'bool',
      name: `${asset}/unacknowledged`,
      meaning: '1: an alarm waits for somebody',
      read: (exposed) => Number(assetOf(exposed, asset)?.alarms.some(({ state }) => waitsForSomebody(state)) ?? false),
    },
    {
      table: 'bit',
      address: bit + 2,
      type: 'bool',
      name: `${asset}/anomaly`,
      meaning: '1: the detector says it runs as it never did',
      read: (exposed) => Number(alarmsOf(exposed).some(({ rule }) => rule === 'anomaly')),
    },
    {
      table: 'bit',
      address: bit + 3,
      type: 'bool',
      name: `${asset}/watched`,
      meaning: '1: it is watched',
      read: (exposed) => Number(['yes', 'partial'].includes(assetOf(exposed, asset)?.watching ?? 'no')),
    },
    { table: 'register', address: register, type: 'uint16', name: `${asset}/health`, meaning: listed(healthStates), read: healthIs },
    {
      table: 'register',
      address: register + 1,
      type: 'uint16',
      name: `${asset}/watching`,
      meaning: listed(watchingWords),
      read: (exposed) => watchingWords.indexOf(assetOf(exposed, asset)?.watching ?? 'no'),
    },
    {
      table: 'register',
      address: register + 2,
      type: 'float32',
      name: `${asset}/score`,
      meaning: 'newest score over its limit, above 1 is abnormal; NaN: none yet',
      read: ({ ratios }) => ratios.get(asset) ?? Number.NaN,
    },
    {
      table: 'register',
      address: register + 4,
      type: 'uint16',
      name: `${asset}/standing`,
      meaning: 'alarms that stand',
      read: (exposed) => alarmsOf(exposed).length,
    },
    {
      table: 'register',
      address: register + 5,
      type: 'uint16',
      name: `${asset}/priority`,
      meaning: `highest that stands: 0 none, ${priorities.map((word, i) => `${i + 1} ${word}`).join(', ')}`,
      read: (exposed) => Math.max(0, ...alarmsOf(exposed).map(({ priority }) => priorities.indexOf(priority) + 1)),
    },
  ];
}

/** Contents of bits `[from, from + count)`; 0 where there is no point. */
export function bitsAt(points: readonly Point[], exposed: Exposed, from: number, count: number): boolean[] {
  const bits = new Array<boolean>(count).fill(false);
  for (const { table, address, read } of points)
    if (table === 'bit' && address >= from && address < from + count) bits[address - from] = read(exposed) === 1;
  return bits;
}

/** Contents of registers `[from, from + count)`; 0 where there is no point. */
export function registersAt(points: readonly Point[], exposed: Exposed, from: number, count: number): Uint16Array {
  const registers = new Uint16Array(count);
  const view = new DataView(new ArrayBuffer(4));
  for (const { table, address, type, read } of points) {
    const words = type === 'uint16' ? 1 : 2;
    if (table !== 'register' || address + words <= from || address >= from + count) continue;
    const value = read(exposed);
    if (type === 'float32') view.setFloat32(0, value);
    else if (type === 'uint32') view.setUint32(0, value);
    else view.setUint16(0, value);
    for (let word = 0; word < words; word++) {
      const at = address + word - from;
      if (at >= 0 && at < count) registers[at] = view.getUint16(2 * word);
    }
  }
  return registers;
}

/** The list as a table for a person or an HMI to import. */
export function registerCsv(points: readonly Point[]): string {
  const cell = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const rows = points.map(({ table, address, type, name, meaning }) => {
    return [
      table === 'bit' ? 'discrete input / coil' : 'input / holding register',
      address,
      referenceOf(table, address),
      type,
      type === 'uint32' || type === 'float32' ? 'ABCD' : '',
      name,
      meaning,
    ];
  });
  return `${[['table', 'address', 'reference', 'type', 'order', 'name', 'meaning'], ...rows].map((row) => row.map((one) => cell(String(one))).join(',')).join('\n')}\n`;
}

/** As makers of HMIs number them; five digits reach to address 9998 (Modicon), six to the end. */
const referenceOf = (table: Point['table'], address: number): number =>
  (table === 'bit' ? 1 : 3) * (address <= 9998 ? 10_000 : 100_000) + 1 + address;
