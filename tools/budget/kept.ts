import type { RecordedRows } from '../../src/gateway/recording-run.ts';
import { type Probes, pooledProbes, probe, type StepSize, stepSizes } from './probes.ts';
import { type Budget, budgets, dayMs, judge, learnSubject, runsWhere, type Subject } from './subject.ts';

/** What came of recordings under one budget. */
export interface Kept {
  readonly days: number;
  /** Episodes of alarm that may come and that came. */
  readonly budgeted: number;
  readonly observed: number;
  readonly daysInAlarm: number;
  /** Slow-change warnings: no budget is set for them, but nobody should hear of them either. */
  readonly warnings: number;
  readonly probes: ReadonlyMap<StepSize, Probes>;
}

/** Learns from the beginning, judges the rest as it is, and `others` of the same machine, and once more with steps. */
export async function keptBy(subject: Subject, budget: Budget, others: readonly RecordedRows[] = []): Promise<Kept> {
  const { recorded, stepMs, learningRows } = subject;
  const bundle = await learnSubject(subject, budget);
  const calm = await judge(recorded, learningRows, stepMs, bundle);
  const all = [calm];
  for (const other of others) all.push(await judge(other, 0, stepMs, bundle));
  const probes = new Map<StepSize, Probes>();
  for (const size of stepSizes) probes.set(size, await probe(subject, bundle, calm, size));
  const sum = (of: (judged: typeof calm) => number): number => all.reduce((total, judged) => total + of(judged), 0);
  const days = (sum(({ length }) => length) * stepMs) / dayMs;
  return {
    days,
    budgeted: days * budgets[budget],
    observed: sum((judged) => runsWhere(judged, ({ alarm }) => alarm).length),
    daysInAlarm: (sum((judged) => judged.filter(({ alarm }) => alarm).length) * stepMs) / dayMs,
    warnings: sum((judged) => runsWhere(judged, ({ drift }) => drift).length),
    probes,
  };
}

export function pooled(all: readonly Kept[]): Kept {
  const sum = (of: (kept: Kept) => number): number => all.reduce((total, kept) => total + of(kept), 0);
  return {
    days: sum(({ days }) => days),
    budgeted: sum(({ budgeted }) => budgeted),
    observed: sum(({ observed }) => observed),
    daysInAlarm: sum(({ daysInAlarm }) => daysInAlarm),
    warnings: sum(({ warnings }) => warnings),
    probes: new Map(stepSizes.map((size) => [size, pooledProbes(all.map(({ probes }) => probes.get(size) as Probes))])),
  };
}
