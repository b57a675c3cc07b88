import { readFileSync } from 'node:fs';

/** One value of a SunSpec model, as its definition has it. */
export interface ModelPoint {
  readonly name: string;
  /** uint16, acc32, sunssf, … */
  readonly type: string;
  /** Registers. */
  readonly size: number;
  /** Name of the point with the power of ten, or the power. */
  readonly sf?: string | number;
  readonly units?: string;
  /** It never changes. */
  readonly fixed?: boolean;
  /** Of an enumeration. */
  readonly labels?: Readonly<Record<string, string>>;
}

export interface ModelGroup {
  readonly name: string;
  readonly label?: string;
  /** How often it comes: a number, the name of the point that says so; 0: until the model ends. */
  readonly count?: number | string;
  readonly points: readonly ModelPoint[];
  readonly groups?: readonly ModelGroup[];
}

let models: Readonly<Record<string, ModelGroup>> | undefined;

/** The definition of a model (github.com/sunspec/models, Apache-2.0); undefined where none of that number was published. */
export function modelOf(id: number): ModelGroup | undefined {
  models ??= JSON.parse(readFileSync(new URL('sunspec-models.json', import.meta.url), 'utf8')) as Readonly<Record<string, ModelGroup>>;
  return models[String(id)];
}

/** A point at its place in a device. */
export interface PlacedPoint extends ModelPoint {
  /** Of the first register. */
  readonly address: number;
  /** `A`, `module[2]/DCA` */
  readonly path: string;
  /** Where its scale factor stands, or the power itself. */
  readonly scale: { readonly address: number } | { readonly power: number } | undefined;
}

/** The points of a model that begins at `address` (its id) and is `length` registers long behind id and length. `countOf` gives the value of a point that says how often a group comes. */
export function placePoints(model: ModelGroup, address: number, length: number, countOf: (point: PlacedPoint) => number): PlacedPoint[] {
  const end = address + 2 + length;
  const placed: PlacedPoint[] = [];
  let at = address;
  const place = (group: ModelGroup, prefix: string, outer: readonly PlacedPoint[]): void => {
    const own: PlacedPoint[] = [];
    for (const point of group.points) {
      if (at + point.size > end) return;
      own.push({ ...point, address: at, path: `${prefix}${point.name}`, scale: undefined });
      at += point.size;
    }
    const known = [...own, ...outer];
    placed.push(...own.map((point) => ({ ...point, scale: scaleOf(point, known) })));
    for (const inner of group.groups ?? []) {
      const times = timesOf(inner, known, end - at, countOf);
      for (let n = 1; n <= times && at < end; n++)
        place(inner, `${prefix}${inner.name}${times === 1 && inner.count === undefined ? '' : `[${n}]`}/`, known);
    }
  };
  place(model, '', []);
  return placed;
}

function scaleOf({ sf }: ModelPoint, known: readonly PlacedPoint[]): PlacedPoint['scale'] {
  if (typeof sf === 'number') return { power: sf };
  const point = known.find(({ name }) => name === sf);
  return sf === undefined || point === undefined ? undefined : { address: point.address };
}

function timesOf(group: ModelGroup, known: readonly PlacedPoint[], left: number, countOf: (point: PlacedPoint) => number): number {
  const size = group.points.reduce((sum, point) => sum + point.size, 0);
  if (group.count === undefined) return 1;
  if (typeof group.count === 'number') return group.count === 0 ? (size === 0 ? 0 : Math.floor(left / size)) : group.count;
  const counting = known.find(({ name }) => name === group.count);
  return counting === undefined ? 0 : countOf(counting);
}
