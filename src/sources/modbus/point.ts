import type { Interner } from '../../core/interner.ts';
import type { ModbusSourceConfig } from './config.ts';
import { Counter } from './counter.ts';
import { compileDecoder, type Decoder } from './decode.ts';
import type { Span } from './plan.ts';
import { extentOf, fieldOf, type ModbusTagConfig, placeOf, scaleAddressOf, typeOf } from './tag-config.ts';

/** A tag as the poll loop sees it: where it stands, how it is read, which samples it gives. */
export interface Point extends Span {
  /** Interned index of the tag. */
  readonly tag: number;
  readonly name: string;
  readonly decode: Decoder;
  /** Where the raw value counts up. */
  readonly counter: Counter | undefined;
}

/** The tags of a checked configuration. */
export const pointsOf = (config: ModbusSourceConfig, tags: Interner, texts: Interner): Point[] =>
  config.tags.map((tag) => ({
    ...extentOf(tag),
    unit: tag.unit ?? config.unit,
    pollMs: tag.poll ?? config.poll,
    tag: tags.intern(tag.tag),
    name: tag.tag,
    decode: decoderOf(tag, texts),
    counter: tag.counter === undefined ? undefined : Counter.of(tag),
  }));

function decoderOf(tag: ModbusTagConfig, texts: Interner): Decoder {
  const { table, address } = placeOf(tag);
  const type = typeOf(tag);
  // A counter is scaled when it is known by how much it rose.
  const scaling = tag.counter === undefined ? {} : { scale: 1, offset: 0 };
  const decode = compileDecoder({ ...tag, ...scaling, table, type, field: fieldOf(tag) }, (text) => texts.intern(text));
  const scale = scaleAddressOf(tag);
  if (scale === undefined) return decode;
  const begins = extentOf(tag).address;
  const [valueAt, scaleAt] = [address - begins, scale - begins];
  return (data, position) => scaledBy(decode(data, position + valueAt), data.readInt16BE((position + scaleAt) * 2));
}

/** "Not implemented" of a SunSpec scale factor. */
const noFactor = -0x8000;
/** SunSpec's own range. */
const largestPower = 10;

function scaledBy(value: number, power: number): number {
  if (power === noFactor || Math.abs(power) > largestPower) return Number.NaN;
  // 234 × 0.1 is 23.400000000000002, 234 / 10 is 23.4.
  return power < 0 ? value / 10 ** -power : value * 10 ** power;
}
