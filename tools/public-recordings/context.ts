import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type EvaluateOptions, evaluateFiles } from '../../src/cli/evaluate-files.ts';
import type { EvaluatedFile, Precision } from '../../src/learning/evaluation/report.ts';
import type { Recipe } from '../../src/learning/tracking/learn.ts';

export interface Context {
  /** Folder of the recordings. */
  readonly data: string;
  /** For what is made from them; goes when the run ends. */
  readonly scratch: string;
  readonly precisions: readonly Precision[];
  /** For trials; empty: the defaults. */
  readonly recipe: Partial<Recipe>;
}

/** Full paths, by name. */
export const filesIn = ({ data }: Context, folder: string): string[] =>
  readdirSync(join(data, folder))
    .filter((name) => name.endsWith('.csv'))
    .sort()
    .map((name) => join(data, folder, name));

export function evaluate(
  { precisions, recipe }: Context,
  options: Partial<EvaluateOptions> & Pick<EvaluateOptions, 'csv'>,
): Promise<EvaluatedFile[]> {
  return evaluateFiles({
    time: undefined,
    label: undefined,
    ignore: [],
    trainRows: 400,
    trainCsv: [],
    stepMs: 'auto',
    precisions,
    recipe,
    onProblem: (file, { message }) => process.stderr.write(`${basename(file)}: ${message}\n`),
    ...options,
  });
}
