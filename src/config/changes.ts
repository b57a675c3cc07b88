import type { Config } from './schema.ts';

export interface ConfigChanges {
  /** What a running gateway can take over, in words: "sources.press-plc changed". */
  readonly applicable: readonly string[];
  /** Keys that only a new process reads. */
  readonly needRestart: readonly string[];
}

const lists = ['sources', 'assets', 'sinks'] as const;
/** Bound when the process starts: the directory it holds the lock of, the port it listens on, the level of its log. */
const fixed: ReadonlySet<keyof Config> = new Set(['data', 'server', 'log']);

/** What is different in another version of a configuration. */
export function changesBetween(before: Config, after: Config): ConfigChanges {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])] as (keyof Config)[];
  const changed = keys.filter((key) => !same(before[key], after[key]));
  const applicable = changed
    .filter((key) => !fixed.has(key) && key !== 'include')
    .flatMap((key) => {
      const list = lists.find((name) => name === key);
      return list === undefined ? [`${key} changed`] : elements(list, before[list], after[list]);
    });
  return { applicable, needRestart: changed.filter((key) => fixed.has(key)) };
}

function elements(list: string, before: readonly { readonly id: string }[], after: readonly { readonly id: string }[]): string[] {
  const ids = [...new Set([...before, ...after].map(({ id }) => id))];
  const named = ids.flatMap((id) => {
    const [old, now] = [before, after].map((all) => all.find((one) => one.id === id));
    if (old === undefined) return [`${list}.${id} added`];
    if (now === undefined) return [`${list}.${id} removed`];
    return same(old, now) ? [] : [`${list}.${id} changed`];
  });
  return named.length > 0 ? named : [`${list} in another order`];
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
