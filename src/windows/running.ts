import { Environment } from '@marcbachmann/cel-js';

export interface RunningExpression {
  /** Tags the expression reads, in the order `evaluate` takes their values. */
  readonly tags: readonly string[];
  /** True while the machine runs; undefined when a tag it reads has no value. */
  evaluate(values: readonly number[]): boolean | undefined;
}

/** A quoted text, a tag name (levels with /), a plain word, or a number. */
const token = /"[^"]*"|'[^']*'|[\p{L}_][\p{L}\p{N}_.-]*(?:\/[\p{L}\p{N}_.-]+)+|[\p{L}_][\p{L}\p{N}_]*|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/gu;
const words = new Set(['true', 'false', 'null', 'in']);

/**
 * `line1/press/state == 3 && line1/press/speed > 10`: CEL (github.com/google/cel-spec), in which a tag is written by its name; all
 * numbers are doubles. Throws an Error in plain words when it cannot be read or does not give true or false.
 */
export function compileRunning(expression: string): RunningExpression {
  const tags: string[] = [];
  const variable = (tag: string): string => {
    const known = tags.indexOf(tag);
    if (known >= 0) return `tag_${known}`;
    tags.push(tag);
    return `tag_${tags.length - 1}`;
  };
  const cel = expression.replace(token, (text) => {
    if (text.startsWith('"') || text.startsWith("'") || words.has(text)) return text;
    if (/^\d/.test(text)) return /[.eE]/.test(text) ? text : `${text}.0`;
    return variable(text);
  });
  const environment = new Environment();
  for (let i = 0; i < tags.length; i++) environment.registerVariable(`tag_${i}`, 'double');
  const named = (message: string): string =>
    message.replaceAll(/tag_(\d+)/g, (_, i: string) => tags[Number(i)] ?? '').split('\n')[0] as string;
  let compiled: ReturnType<Environment['parse']>;
  try {
    compiled = environment.parse(cel);
  } catch (error) {
    throw new Error(named((error as Error).message));
  }
  const check = compiled.check();
  if (!check.valid) throw new Error(named(check.error?.message ?? 'cannot be read'));
  if (check.type !== 'bool') throw new Error(`gives ${check.type}, not true or false`);
  if (tags.length === 0) throw new Error('reads no tag');

  const context: Record<string, number> = {};
  return {
    tags,
    evaluate(values) {
      for (let i = 0; i < tags.length; i++) {
        const value = values[i] as number;
        if (Number.isNaN(value)) return undefined;
        context[`tag_${i}`] = value;
      }
      return compiled(context) as boolean;
    },
  };
}
