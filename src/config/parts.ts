import { globSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Document, LineCounter, parseDocument } from 'yaml';
import type { Issue } from './cross-checks.ts';

/** One file of a configuration. */
export interface ConfigPart {
  readonly file: string;
  readonly directory: string;
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
  readonly plain: unknown;
}

/** A configuration put together from its files, and where each piece of it stands. */
export interface ConfigParts {
  readonly main: ConfigPart;
  readonly included: readonly ConfigPart[];
  readonly plain: unknown;
  /** A path of the whole → the file it is from and its path there. */
  locate(path: Issue['path']): { readonly part: ConfigPart; readonly path: Issue['path'] };
}

interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A file that cannot be part of a configuration: everything that is wrong with it, and where. */
export class PartError extends Error {
  readonly problems: readonly (Place & { readonly message: string })[];

  constructor(problems: PartError['problems']) {
    super(problems.map(({ message }) => message).join('; '));
    this.problems = problems;
  }
}

const lists = ['sources', 'assets', 'sinks'] as const;
/** Keys that name a file or folder: relative to the place of the file they stand in. */
const fileKeys = new Set(['data', 'model', 'ca', 'cert', 'key']);

/** The main file's text with the files it includes. Throws PartError. */
export function readParts(text: string, file: string): ConfigParts {
  const main = partOf(text, file);
  const included = filesOf(main).map((name) => {
    const part = partOf(readText(name, main), name);
    const [stray] = Object.keys(objectOf(part.plain)).filter((key) => key !== 'tags' && !lists.some((list) => list === key));
    if (stray === undefined) return part;
    throw at(part, [stray], `${stray} stands in ${file}: an included file has sources, tags, assets and sinks`);
  });
  const parts = [main, ...included];
  return { main, included, plain: merged(parts), locate: (path) => located(parts, path) };
}

/** Where the value at a path stands in its file. */
export function positionOf({ file, lines }: Pick<ConfigPart, 'file' | 'lines'>, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { file, line, column: col };
}

function partOf(text: string, file: string): ConfigPart {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2' });
  if (document.errors.length > 0)
    throw new PartError(document.errors.map(({ pos, message }) => ({ ...positionOf({ file, lines }, pos[0]), message })));
  try {
    const directory = resolve(dirname(file));
    return { file, directory, document, lines, plain: absolute(document.toJS({ maxAliasCount: 100 }), '', directory) };
  } catch (error) {
    throw new PartError([{ file, line: 1, column: 1, message: (error as Error).message }]);
  }
}

/** Files and secrets by reference are meant from where they are written. */
export function absolute(node: unknown, key: string, directory: string): unknown {
  if (Array.isArray(node)) return node.map((element) => absolute(element, key, directory));
  if (typeof node === 'object' && node !== null)
    return Object.fromEntries(Object.entries(node).map(([name, value]) => [name, absolute(value, name, directory)]));
  if (typeof node !== 'string') return node;
  if (!node.includes('${')) return fileKeys.has(key) ? resolve(directory, node) : node;
  return node.replaceAll(/\$\{file:([^}]+)\}/g, (_, name: string) => `\${file:${resolve(directory, name)}}`);
}

/** In the order given; those of a pattern by name. */
function filesOf(main: ConfigPart): string[] {
  const { include } = objectOf(main.plain);
  if (!Array.isArray(include)) return [];
  return include.flatMap((pattern, i) => {
    if (typeof pattern !== 'string') return [];
    const found = globSync(pattern, { cwd: main.directory })
      .map((name) => resolve(main.directory, name))
      .sort();
    if (found.length === 0 && !/[*?[]/.test(pattern))
      throw at(main, ['include', i], `there is no file ${resolve(main.directory, pattern)}`);
    return found;
  });
}

function readText(file: string, main: ConfigPart): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw at(main, ['include'], `${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

function merged(parts: readonly ConfigPart[]): unknown {
  const [main, ...included] = parts as [ConfigPart, ...ConfigPart[]];
  if (included.length === 0) return main.plain;
  const whole: Record<string, unknown> = { ...objectOf(main.plain) };
  for (const part of included) {
    const own = objectOf(part.plain);
    for (const list of lists) if (Array.isArray(own[list])) whole[list] = [...((whole[list] as unknown[] | undefined) ?? []), ...own[list]];
    const tags = objectOf(whole.tags);
    for (const tag of Object.keys(objectOf(own.tags)))
      if (tag in tags) throw at(part, ['tags', tag], `"${tag}" has settings in another file already`);
    if (own.tags !== undefined) whole.tags = { ...tags, ...objectOf(own.tags) };
  }
  return whole;
}

function located(parts: readonly ConfigPart[], path: Issue['path']): { part: ConfigPart; path: Issue['path'] } {
  const main = parts[0] as ConfigPart;
  const [key, element, ...rest] = path;
  if (typeof element === 'number') {
    let index = element;
    for (const part of parts) {
      const list = objectOf(part.plain)[String(key)];
      const length = Array.isArray(list) ? list.length : 0;
      if (index < length) return { part, path: [key as string, index, ...rest] };
      index -= length;
    }
  } else if (key === 'tags' && element !== undefined) {
    const owner = parts.find((part) => element in objectOf(objectOf(part.plain).tags));
    if (owner !== undefined) return { part: owner, path };
  }
  return { part: main, path };
}

function at(part: ConfigPart, path: Issue['path'], message: string): PartError {
  const node = part.document.getIn(path, true) as { range?: [number, number, number] } | undefined;
  return new PartError([{ ...positionOf(part, node?.range?.[0] ?? 0), message }]);
}

const objectOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
