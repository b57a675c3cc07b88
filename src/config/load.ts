import { readFileSync } from 'node:fs';
import { type Document, isMap, isNode, isPair, isScalar, type Node, type YAMLMap } from 'yaml';
import type { z } from 'zod';
import { FettleError } from '../core/errors.ts';
import { isReference, resolveReferences } from '../core/secret.ts';
import { crossChecks, type Issue } from './cross-checks.ts';
import { applyEnvironment } from './environment.ts';
import { absolute, type ConfigParts, PartError, positionOf, readParts } from './parts.ts';
import { type Config, configSchema } from './schema.ts';

/** One thing wrong with a configuration, where it stands. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** `sources[0].tags[3].type` */
  readonly path: string;
  readonly message: string;
}

/** All problems of a configuration at once; `message` lists them as `file:line:column`. */
export class ConfigError extends FettleError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super('FETTLE_CONFIG_INVALID', problems.map(formatProblem).join('\n'));
    this.problems = problems;
  }
}

export const formatProblem = ({ file, line, column, path, message }: Problem): string =>
  `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`;

/** A validated configuration; relative paths in it are resolved against the file they stand in. Deep-frozen. */
export interface LoadedConfig {
  readonly config: Config;
  readonly file: string;
  readonly directory: string;
  /** The file and those it includes. */
  readonly files: readonly string[];
  readonly parts: ConfigParts;
}

/** A problem found after loading, at the place of the key it is about. */
export const problemAt = ({ parts }: LoadedConfig, path: readonly (string | number)[], message: string): Problem =>
  problemIn(parts, { path, message });

/** Reads and checks a file. Throws ConfigError with every problem. Opens nothing. */
export function loadConfig(file: string, environment: NodeJS.ProcessEnv = process.env): LoadedConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const reason = code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`;
    throw new ConfigError([{ file, line: 1, column: 1, path: '', message: `${reason}; fettle init writes one to start from` }]);
  }
  return parseConfig(text, file, environment);
}

export function parseConfig(text: string, file: string, environment: NodeJS.ProcessEnv = process.env): LoadedConfig {
  let parts: ConfigParts;
  try {
    parts = readParts(text, file);
  } catch (error) {
    if (!(error instanceof PartError)) throw error;
    throw new ConfigError(error.problems.map((problem) => ({ ...problem, path: '' })));
  }
  const issues: Issue[] = [];
  const overridden = applyEnvironment(withDefaultData(parts.plain ?? {}), environment);
  for (const variable of overridden.unknown) issues.push({ path: [], message: `the environment variable ${variable} fits no key` });
  const resolved = resolveAll(absolute(overridden.document, '', parts.main.directory), [], environment, issues);
  const parsed = configSchema.safeParse(resolved);
  if (parsed.error !== undefined) issues.push(...parsed.error.issues.flatMap((issue) => flatten(issue)));
  else issues.push(...crossChecks(parsed.data));
  if (issues.length > 0) {
    const problems = issues.map((issue) => problemIn(parts, issue));
    const order = [parts.main, ...parts.included].map((part) => part.file);
    problems.sort((a, b) => order.indexOf(a.file) - order.indexOf(b.file) || a.line - b.line || a.column - b.column);
    throw new ConfigError(problems);
  }
  const { main, included } = parts;
  return {
    config: deepFreeze(parsed.data as Config),
    file,
    directory: main.directory,
    files: [main, ...included].map((part) => part.file),
    parts,
  };
}

/** The default is a path like any other: relative to the file, not to where somebody stands. */
const withDefaultData = (plain: unknown): unknown =>
  typeof plain === 'object' && plain !== null && !Array.isArray(plain) ? { data: './data', ...plain } : plain;

function problemIn(parts: ConfigParts, { path, message }: Issue): Problem {
  const located = parts.locate(path);
  return {
    ...positionOf(located.part, offsetOf(located.part.document, { path: located.path, message })),
    path: formatPath(located.path),
    message,
  };
}

/** Replaces references in every text but secrets, which resolve theirs themselves. */
function resolveAll(node: unknown, path: (string | number)[], environment: NodeJS.ProcessEnv, issues: Issue[]): unknown {
  if (Array.isArray(node)) return node.map((element, i) => resolveAll(element, [...path, i], environment, issues));
  if (typeof node === 'object' && node !== null) {
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, resolveAll(value, [...path, key], environment, issues)]));
  }
  if (typeof node !== 'string' || !node.includes('${')) return node;
  if (secretKeys.has(String(path.at(-1))) && isReference(node)) return node;
  try {
    return resolveReferences(node, environment);
  } catch (error) {
    issues.push({ path, message: (error as Error).message });
    return node;
  }
}

const secretKeys = new Set(['password', 'token', 'passphrase']);

/** A failed union says nothing a person can use: show the problems of the branch that came furthest. */
function flatten(issue: z.core.$ZodIssue, prefix: readonly PropertyKey[] = []): Issue[] {
  const path = [...prefix, ...issue.path].map((part) => (typeof part === 'number' ? part : String(part)));
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => ({ path: [...path, key], message: 'is not a key here' }));
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const branches = issue.errors.map((errors) => errors.flatMap((inner) => flatten(inner, path)));
    return branches.reduce((best, branch) =>
      Math.max(...branch.map((i) => i.path.length)) > Math.max(...best.map((i) => i.path.length)) ? branch : best,
    );
  }
  if (issue.code === 'invalid_union') return [{ path, message: `must be one of ${discriminators(issue)}` }];
  if (issue.code === 'invalid_type' && issue.input === undefined && /received undefined/.test(issue.message))
    return [{ path, message: 'is missing' }];
  return [{ path, message: issue.message }];
}

const discriminators = (issue: z.core.$ZodIssueInvalidUnion): string =>
  'options' in issue && Array.isArray(issue.options) ? issue.options.join(', ') : 'the known types';

function formatPath(path: readonly (string | number)[]): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === 'number'
        ? `${text}[${part}]`
        : /^[\w-]+$/.test(part)
          ? text === ''
            ? part
            : `${text}.${part}`
          : `${text}["${part}"]`,
    '',
  );
}

/** Where the value at the path stands; its key where the key itself is the problem; the nearest parent where it is missing. */
function offsetOf(document: Document.Parsed, { path, message }: Issue): number {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const [i, part] of path.entries()) {
    const map = node as YAMLMap;
    if (isMap(map) && typeof part === 'string') {
      const pair = map.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === part);
      if (pair === undefined) return offset;
      const key = pair.key as Node;
      offset = key.range?.[0] ?? offset;
      node = pair.value;
      const isLast = i === path.length - 1;
      if (isNode(node) && !(isLast && message === 'is not a key here')) offset = node.range?.[0] ?? offset;
    } else {
      node = (node as { get?: (key: unknown, keepScalar: boolean) => unknown } | undefined)?.get?.(part, true);
      if (!isNode(node)) return offset;
      offset = node.range?.[0] ?? offset;
    }
  }
  return offset;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
