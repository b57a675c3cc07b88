import type { SunspecDevice, SunspecModel, SunspecValue } from './sunspec.ts';
import { valueTypeOf } from './sunspec.ts';

/** What a source in fettle.yaml takes for a tag. */
export interface ProposedTag {
  readonly tag: string;
  readonly table: 'holdingRegister';
  readonly address: number;
  readonly type: string;
  readonly notAvailable: 'sunspec';
  readonly scaleFactor?: { readonly address: number };
  readonly scale?: number;
  readonly engineeringUnit?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** SunSpec's names of units → ours. */
const units: Readonly<Record<string, string>> = { C: '°C', Pct: '%', Secs: 's', Volts: 'V', Amps: 'A' };

/** Tags for what the device measures and has: numbers that change; `prefix` before the point's name. */
export const proposedTags = ({ models }: SunspecDevice, prefix: string): ProposedTag[] =>
  models.flatMap((model) => model.values.filter((value) => worthATag(model, value)).map((value) => tagOf(model, value, prefix, models)));

function worthATag({ id }: SunspecModel, { value, fixed, type, name }: SunspecValue): boolean {
  return (
    id !== 1 &&
    typeof value === 'number' &&
    fixed !== true &&
    type !== 'sunssf' &&
    !type.startsWith('bitfield') &&
    name !== 'ID' &&
    name !== 'L' &&
    type !== 'count'
  );
}

function tagOf({ id }: SunspecModel, point: SunspecValue, prefix: string, models: readonly SunspecModel[]): ProposedTag {
  const { path, address, units: unit, labels, scale, type } = point;
  // Two models of a device may both have a W.
  const alone = models.filter(({ values }) => values.some((value) => value.path === path)).length === 1;
  const name = path.replaceAll('[', '').replaceAll(']', '');
  return {
    tag: `${prefix}/${alone ? name : `${id}/${name}`}`,
    table: 'holdingRegister',
    address,
    type: valueTypeOf(point) ?? type,
    notAvailable: 'sunspec',
    ...(scale !== undefined && 'address' in scale && { scaleFactor: { address: scale.address } }),
    ...(scale !== undefined && 'power' in scale && scale.power !== 0 && { scale: 10 ** scale.power }),
    ...(unit !== undefined && { engineeringUnit: units[unit] ?? unit }),
    ...(labels !== undefined && { labels }),
  };
}
