/** A compiled path: the value there, an array where the path has `[*]`, undefined where there is nothing. */
export type PathGetter = (document: unknown) => unknown;

type Step = { readonly key: string } | { readonly index: number } | { readonly all: true };

const stepPattern = /^(?:\.([\p{L}_][\p{L}\p{N}_-]*)|\[(\d+)\]|\[(\*)\]|\['([^']+)'\]|\["([^"]+)"\])/u;

/** The part of RFC 9535 that finds values: `$.a.b`, `$.a[0]`, `$['odd name']`, and `[*]` for every element. */
function parse(text: string): Step[] | string {
  if (!text.startsWith('$')) return `"${text}" is not a path: it begins with $, as in $.flow`;
  const steps: Step[] = [];
  let rest = text.slice(1);
  while (rest !== '') {
    const found = stepPattern.exec(rest);
    if (found === null) return `"${text}" cannot be read from "${rest}" on; write $.name, $['odd name'], $.list[0] or $.list[*]`;
    const [whole, name, index, star, single, double] = found;
    if (index !== undefined) steps.push({ index: Number(index) });
    else if (star !== undefined) steps.push({ all: true });
    else steps.push({ key: (name ?? single ?? double) as string });
    rest = rest.slice(whole.length);
  }
  if (steps.filter((step) => 'all' in step).length > 1) return `"${text}" has more than one [*]`;
  return steps;
}

/** The steps of a path to one place: names and positions. Undefined for any other path, `$` among them. */
export function stepsOf(text: string): readonly (string | number)[] | undefined {
  const steps = parse(text);
  if (typeof steps === 'string' || steps.length === 0) return undefined;
  const plain = steps.map((step) => ('key' in step ? step.key : 'index' in step ? step.index : undefined));
  return plain.includes(undefined) ? undefined : (plain as (string | number)[]);
}

export function jsonPathProblem(text: string): string | undefined {
  const steps = parse(text);
  return typeof steps === 'string' ? steps : undefined;
}

/** Throws a RangeError on a text for which `jsonPathProblem` has a word. */
export function compileJsonPath(text: string): PathGetter {
  const steps = parse(text);
  if (typeof steps === 'string') throw new RangeError(steps);
  const [first] = steps;
  if (steps.length === 0) return (document) => document;
  if (steps.length === 1 && first !== undefined && 'key' in first) {
    const { key } = first;
    // What every object has without having been told; arrays and texts have functions beside (`$.values`).
    if (key === 'length' || key in Object.prototype || /^\d/.test(key)) return follow(steps);
    return (document) => {
      const value = (document as Record<string, unknown> | null)?.[key];
      return typeof value === 'function' ? undefined : value;
    };
  }
  const star = steps.findIndex((step) => 'all' in step);
  if (star < 0) return follow(steps);
  const list = follow(steps.slice(0, star));
  const element = follow(steps.slice(star + 1));
  return (document) => {
    const elements = list(document);
    if (!Array.isArray(elements)) return undefined;
    return star === steps.length - 1 ? elements : elements.map(element);
  };
}

function follow(steps: readonly Step[]): PathGetter {
  const keys = steps.map((step) => ('key' in step ? step.key : 'index' in step ? step.index : '*'));
  return (document) => {
    let value = document as Record<string | number, unknown> | null | undefined;
    for (const key of keys) {
      if (value === null || typeof value !== 'object' || !Object.hasOwn(value, key)) return undefined;
      if (key === 'length' && Array.isArray(value)) return undefined;
      value = value[key] as typeof value;
    }
    return value;
  };
}
