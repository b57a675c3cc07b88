import type { Metrics } from '../../src/learning/evaluation/metrics.ts';
import { type EvaluatedFile, evaluationReport, type FaultMetrics, type Precision } from '../../src/learning/evaluation/report.ts';

interface Target {
  readonly text: string;
  readonly reached: (value: number) => boolean;
}

/** A line of a table: what was reached in each precision beside what it is held against. */
export interface Figure {
  readonly name: string;
  /** Of others, published or run here on the same files. */
  readonly known?: string;
  /** Of the numpy reference of the recipe, in float. */
  readonly recipe?: string;
  readonly target?: Target;
  readonly of: (precision: Precision) => number;
  readonly shown: (value: number) => string;
}

export const shown = {
  percent: (value: number): string => `${(100 * value).toFixed(1)} %`,
  three: (value: number): string => value.toFixed(3),
  seconds: (value: number): string => `${value.toFixed(0)} s`,
  minutes: (value: number): string => `${(value / 60).toFixed(0)} min`,
  count: (value: number): string => value.toFixed(0),
};

export const atLeast = (limit: number, text: string): Target => ({ text: `≥ ${text}`, reached: (value) => value >= limit });
export const atMost = (limit: number, text: string): Target => ({ text: `≤ ${text}`, reached: (value) => value <= limit });

/** Markdown. Targets are for INT8, or for what runs in its stead. */
export function table(title: string, precisions: readonly Precision[], figures: readonly Figure[]): string[] {
  const judged = precisions.includes('int8') ? 'int8' : (precisions[0] as Precision);
  return [
    '',
    `**${title}**`,
    '',
    `| figure | others | recipe (float) | target, ${judged} | ${precisions.join(' | ')} | reached |`,
    `|---|---|---|---|${'---|'.repeat(precisions.length + 1)}`,
    ...figures.map(({ name, known = '', recipe = '', target, of, shown: text }) => {
      const cells = precisions.map((precision) => text(of(precision)));
      const reached = target === undefined ? '' : target.reached(of(judged)) ? 'yes' : 'no';
      return `| ${name} | ${known} | ${recipe} | ${target?.text ?? ''} | ${cells.join(' | ')} | ${reached} |`;
    }),
  ];
}

export type Pooled = Metrics & { readonly faults: readonly FaultMetrics[] };

export function pooledOf(files: readonly EvaluatedFile[]): (precision: Precision) => Pooled {
  const report = evaluationReport(files);
  return (precision) => report.pooled[precision] as Pooled;
}

export const meanFdr = ({ faults }: Pooled): number => faults.reduce((sum, { fdr }) => sum + fdr, 0) / faults.length;

/** Settings are chosen on half A; half B stands beside it. */
export const halvesOf = <T>(sorted: readonly T[]): readonly (readonly ['all' | 'half A' | 'half B', readonly T[]])[] => [
  ['all', sorted],
  ['half A', sorted.filter((_, i) => i % 2 === 0)],
  ['half B', sorted.filter((_, i) => i % 2 === 1)],
];
