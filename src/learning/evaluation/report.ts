import type { ModelManifest } from '../../core/manifest.ts';
import { faultsOf } from './faults.ts';
import { type Metrics, metricsOf } from './metrics.ts';
import type { VerdictSeries } from './verdict-series.ts';

export type Precision = ModelManifest['precision'];

/** A recording and what the detector said of it in each precision; all recordings have the same precisions. */
export interface EvaluatedFile {
  readonly file: string;
  /** What the label column calls the anomalous rows. */
  readonly kinds: readonly string[];
  readonly series: ReadonlyMap<Precision, VerdictSeries>;
}

/** All recordings of one fault together. */
export interface FaultMetrics {
  readonly fault: string;
  readonly files: number;
  /** Fault detection rate: alarmed share of the faulty rows. */
  readonly fdr: number;
  readonly far: number;
  readonly auc: number;
  readonly events: number;
  readonly missed: number;
  readonly delayMedianS: number;
}

export type FileMetrics = { readonly file: string } & Readonly<Partial<Record<Precision, Metrics>>>;

/** The JSON that `fettle evaluate` writes. What cannot be told is NaN here and null there. */
export interface EvaluationReport {
  readonly pooled: Readonly<Partial<Record<Precision, Metrics & { readonly faults: readonly FaultMetrics[] }>>>;
  readonly files: readonly FileMetrics[];
}

export function evaluationReport(files: readonly EvaluatedFile[]): EvaluationReport {
  const precisions = [...(files[0]?.series.keys() ?? [])];
  const faults = faultsOf(files);
  const seriesOf = (precision: Precision, fault?: string): VerdictSeries[] =>
    files.flatMap(({ series }, i) => (fault === undefined || faults[i] === fault ? [series.get(precision) ?? []].flat() : []));
  const names = [...new Set(faults.filter((fault) => fault !== undefined))].sort(byNumber);
  return {
    pooled: Object.fromEntries(
      precisions.map((precision) => [
        precision,
        { ...metricsOf(seriesOf(precision)), faults: names.map((fault) => faultMetrics(fault, seriesOf(precision, fault))) },
      ]),
    ),
    files: files.map(({ file, series }) => ({
      file,
      ...Object.fromEntries([...series].map(([precision, verdicts]) => [precision, metricsOf([verdicts])])),
    })),
  };
}

export const reportJson = (report: EvaluationReport): string => `${JSON.stringify(report, null, 2)}\n`;

function faultMetrics(fault: string, parts: readonly VerdictSeries[]): FaultMetrics {
  const { mar, far, auc, events, missed, delayMedianS } = metricsOf(parts);
  return { fault, files: parts.length, fdr: 1 - mar, far, auc, events, missed, delayMedianS };
}

const byNumber = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });
