import { compileDecoder } from '../sources/modbus/decode.ts';
import { protocolLimit } from '../sources/modbus/table.ts';
import type { ValueType } from '../sources/modbus/value-type.ts';
import type { Device } from './device.ts';
import { modelOf, type PlacedPoint, placePoints } from './sunspec-model.ts';

/** A value a device gives. */
export interface SunspecValue extends PlacedPoint {
  /** Number, text, or null where the device says it has none. */
  readonly value: number | string | null;
  readonly power: number | null;
}

export interface SunspecModel {
  readonly id: number;
  readonly label: string;
  /** Of its id. */
  readonly address: number;
  readonly length: number;
  /** Empty where no definition of it is known. */
  readonly values: readonly SunspecValue[];
}

export interface SunspecDevice {
  readonly unit: number;
  /** Where "SunS" stands. */
  readonly base: number;
  readonly models: readonly SunspecModel[];
}

/** Where the marker may stand (SunSpec Device Information Model Specification, 4). */
const bases = [40_000, 50_000, 0];
const marker = 0x5375_6e53;
const endModel = 0xffff;
const mostModels = 64;

const types: Readonly<Record<string, ValueType>> = {
  int16: 'int16',
  uint16: 'uint16',
  count: 'uint16',
  acc16: 'uint16',
  enum16: 'uint16',
  bitfield16: 'uint16',
  sunssf: 'int16',
  int32: 'int32',
  uint32: 'uint32',
  acc32: 'uint32',
  enum32: 'uint32',
  bitfield32: 'uint32',
  int64: 'int64',
  uint64: 'uint64',
  acc64: 'uint64',
  float32: 'float32',
  float64: 'float64',
  string: 'string',
};

/** The type a tag of this point would have; undefined for padding and addresses. */
export const valueTypeOf = ({ type }: Pick<PlacedPoint, 'type'>): ValueType | undefined => types[type];

/** Finds the marker and reads every model behind it. Undefined where there is no marker. Rejects with FETTLE_MODBUS_UNREACHABLE and with the signal's reason. */
export async function readSunspec(device: Device, unit: number): Promise<SunspecDevice | undefined> {
  for (const base of bases) {
    const found = await device.read({ unit, table: 'holdingRegister', address: base, count: 2 });
    if (!('data' in found) || found.data.readUInt32BE(0) !== marker) continue;
    return { unit, base, models: await readModels(device, unit, base + 2) };
  }
  return undefined;
}

async function readModels(device: Device, unit: number, first: number): Promise<SunspecModel[]> {
  const models: SunspecModel[] = [];
  let address = first;
  while (models.length < mostModels) {
    const head = await read(device, unit, address, 2);
    const id = head?.readUInt16BE(0) ?? endModel;
    if (head === undefined || id === endModel) return models;
    const length = head.readUInt16BE(2);
    const definition = modelOf(id);
    const data = await readAll(device, unit, address, length + 2);
    models.push({
      id,
      label: definition?.label ?? `model ${id}`,
      address,
      length,
      values: definition === undefined || data === undefined ? [] : valuesOf(placed(definition, address, length, data), address, data),
    });
    address += 2 + length;
  }
  return models;
}

const placed = (definition: NonNullable<ReturnType<typeof modelOf>>, address: number, length: number, data: Buffer): PlacedPoint[] =>
  placePoints(definition, address, length, (point) => data.readUInt16BE((point.address - address) * 2));

function valuesOf(points: readonly PlacedPoint[], address: number, data: Buffer): SunspecValue[] {
  return points.map((point) => {
    const position = point.address - address;
    const power = powerOf(point, address, data);
    const value = decoded(point, data, position);
    const scaled = typeof value === 'number' && power !== null ? (power < 0 ? value / 10 ** -power : value * 10 ** power) : value;
    return { ...point, value: scaled, power };
  });
}

function powerOf({ scale }: PlacedPoint, address: number, data: Buffer): number | null {
  if (scale === undefined) return null;
  if ('power' in scale) return scale.power;
  const power = data.readInt16BE((scale.address - address) * 2);
  return power === -0x8000 ? null : power;
}

function decoded(point: PlacedPoint, data: Buffer, position: number): number | string | null {
  const type = valueTypeOf(point);
  if (type === undefined) return null;
  let text: string | null = null;
  const value = compileDecoder({ table: 'holdingRegister', type, length: point.size * 2, notAvailable: 'sunspec' }, (given) => {
    text = given;
    return 0;
  })(data, position);
  if (type === 'string') return text;
  // An accumulator that is not there stands at 0.
  if (point.type.startsWith('acc') && value === 0) return null;
  return Number.isFinite(value) ? value : null;
}

async function readAll(device: Device, unit: number, address: number, count: number): Promise<Buffer | undefined> {
  const pieces: Buffer[] = [];
  for (let at = 0; at < count; at += protocolLimit.registers) {
    const piece = await read(device, unit, address + at, Math.min(protocolLimit.registers, count - at));
    if (piece === undefined) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** In halves where the device allows less. */
async function read(device: Device, unit: number, address: number, count: number): Promise<Buffer | undefined> {
  const outcome = await device.read({ unit, table: 'holdingRegister', address, count });
  if ('data' in outcome) return outcome.data;
  if (count <= 2) return undefined;
  const half = Math.ceil(count / 2);
  const first = await read(device, unit, address, half);
  const second = first && (await read(device, unit, address + half, count - half));
  return second && Buffer.concat([first, second]);
}
