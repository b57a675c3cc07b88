import { type Leaf, stepTo } from './leaf.ts';
import { recogniseTime } from './time-stamp.ts';

const deepest = 8;
/** Longer arrays of numbers are one value after the other, shorter ones are values beside each other: axes, phases. */
const mostBeside = 4;
const mostElements = 16;

/** The values of a document with their paths, at most `most`. An array of numbers is one leaf; so are the same keys of elements with a time each. */
export function jsonLeaves(document: unknown, most: number): Leaf[] {
  const leaves: Leaf[] = [];
  const add = (path: string, name: string, value: unknown): void => {
    if (leaves.length < most) leaves.push({ path, name, value });
  };
  const walk = (value: unknown, path: string, name: string, depth: number): void => {
    if (depth > deepest || leaves.length >= most) return;
    if (Array.isArray(value)) list(value, path, name, depth);
    else if (typeof value !== 'object' || value === null) add(path, name, value);
    else
      for (const [key, one] of Object.entries(value)) {
        const step = stepTo(key);
        if (step !== undefined) walk(one, `${path}${step}`, name === '' ? key : `${name}/${key}`, depth + 1);
      }
  };
  const list = (elements: readonly unknown[], path: string, name: string, depth: number): void => {
    if (elements.length > mostBeside && elements.every((element) => typeof element !== 'object' || element === null)) {
      add(`${path}[*]`, name, elements);
      return;
    }
    const timed = timedKeys(elements);
    if (timed !== undefined) {
      for (const key of timed) {
        const step = stepTo(key);
        if (step !== undefined)
          add(
            `${path}[*]${step}`,
            name === '' ? key : `${name}/${key}`,
            elements.map((element) => (element as Record<string, unknown>)[key]),
          );
      }
      return;
    }
    for (const [i, element] of elements.slice(0, mostElements).entries())
      walk(element, `${path}[${i}]`, nameOfElement(element, name, i), depth + 1);
  };
  walk(document, '$', '', 0);
  return leaves;
}

const telling = ['n', 'name', 'tag', 'key', 'id', 'metric', 'channel', 'sensor', 'variable', 'point'];

/** Elements often say what they are: `{"name": "flow", "value": 4}`. */
function nameOfElement(element: unknown, name: string, i: number): string {
  const said = telling
    .map((key) =>
      typeof element === 'object' && element !== null && Object.hasOwn(element, key)
        ? (element as Record<string, unknown>)[key]
        : undefined,
    )
    .find((value) => typeof value === 'string' && value !== '');
  const own = typeof said === 'string' ? said : String(i);
  return name === '' ? own : `${name}/${own}`;
}

/** The keys of elements that are one measurement each, one after the other: all have a time, and each another. */
function timedKeys(elements: readonly unknown[]): string[] | undefined {
  if (elements.length === 0 || !elements.every((element) => typeof element === 'object' && element !== null && !Array.isArray(element)))
    return undefined;
  const keys = Object.keys(elements[0] as object);
  const nowMs = Date.now();
  const isTimed = keys.some((key) => {
    const times = elements.map((element) => recogniseTime((element as Record<string, unknown>)[key], nowMs)?.ms ?? Number.NaN);
    return times.every((ms) => !Number.isNaN(ms)) && new Set(times).size === times.length;
  });
  const isNamed = keys.some((key) => telling.includes(key) && typeof (elements[0] as Record<string, unknown>)[key] === 'string');
  const isFlat = elements.every((element) =>
    Object.values(element as object).every((value) => typeof value !== 'object' || value === null),
  );
  return isTimed && !isNamed && isFlat ? keys : undefined;
}
