import { formatDuration } from '../core/duration.ts';
import { sourceDefinitions } from '../sources/index.ts';
import type { Issue } from './cross-checks.ts';
import type { Config } from './schema.ts';

interface Member {
  readonly index: number;
  readonly id: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** Sources that share a line and set it differently: one issue at each of two, so that both places are named. */
export function lineConflicts({ sources }: Config): Issue[] {
  const lines = new Map<string, Member[]>();
  sources.forEach((source, index) => {
    const definition = sourceDefinitions.find(({ type }) => type === source.type);
    if (definition === undefined || !('sharedLineOf' in definition)) return;
    const { line, settings } = definition.sharedLineOf(source as never);
    lines.set(line, [...(lines.get(line) ?? []), { index, id: source.id, settings }]);
  });
  return [...lines].flatMap(([line, [first, ...others]]) => {
    if (first === undefined) return [];
    const odd = others.filter((other) => differences(first, other).length > 0);
    return [...odd.slice(0, 1).map((other) => issue(line, first, other)), ...odd.map((other) => issue(line, other, first))];
  });
}

function issue(line: string, here: Member, there: Member): Issue {
  const keys = differences(here, there);
  const said = keys.map((key) => `${key} ${text(key, here)} here, ${text(key, there)} there`);
  const own = keys.find((key) => key in ownKeys);
  return {
    path: ['sources', here.index, keys.every((key) => key in ownKeys) && own !== undefined ? own : 'url'],
    message: `shares the line ${line} with "${there.id}", and one line has one set of settings: ${said.join('; ')}`,
  };
}

/** Keys of the source; the others stand in its URL. */
const ownKeys = { drain: true, rs485: true, tls: true } as const;

const differences = (a: Member, b: Member): string[] =>
  [...new Set([...Object.keys(a.settings), ...Object.keys(b.settings)])].filter(
    (key) => JSON.stringify(a.settings[key]) !== JSON.stringify(b.settings[key]),
  );

function text(key: string, { settings }: Member): string {
  const value = settings[key];
  if (value === undefined) return 'not given';
  if (key === 'drain') return formatDuration(Number(value));
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
