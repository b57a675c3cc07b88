import { type AlarmTransition, isStanding } from '../core/alarm.ts';
import type { AlarmSpan, InvalidSpan } from './asset-chart.ts';

/** Invalid windows of one reason within one step. */
export interface InvalidRow {
  readonly reason: string;
  /** Who was to blame, where one was. */
  readonly tag: string | null;
  /** Ends of the first and the last of them, event time. */
  readonly firstMs: number;
  readonly lastMs: number;
}

const spansBound = 500;
/** Of an explanation: as many as a sentence names. */
const findingsBound = 3;

/**
 * Stretches without a score, by reason, newest last. `rows` in order of `firstMs`; `everyMs`: how often a window ends, which is what each of them stands for. Less than a step apart they cannot be told apart
 * on the axis and are one.
 */
export function invalidSpans(rows: readonly InvalidRow[], everyMs: number, stepMs: number): InvalidSpan[] {
  const spans: { fromMs: number; toMs: number; reason: string; tag: string | null }[] = [];
  const newest = new Map<string, (typeof spans)[number]>();
  for (const { reason, tag, firstMs, lastMs } of rows) {
    const fromMs = firstMs - everyMs;
    const before = newest.get(reason);
    if (before !== undefined && fromMs - before.toMs <= stepMs) {
      before.toMs = lastMs;
      if (before.tag !== tag) before.tag = null;
    } else {
      const span = { fromMs, toMs: lastMs, reason, tag };
      spans.push(span);
      newest.set(reason, span);
    }
  }
  return spans.slice(-spansBound);
}

/** When alarms stood, what ended before `fromMs` left out. `transitions`: oldest first. */
export function alarmSpans(transitions: Iterable<AlarmTransition>, fromMs: number): AlarmSpan[] {
  const open = new Map<string, AlarmSpan>();
  const spans: AlarmSpan[] = [];
  for (const { rule, tag, to, atMs, message, ratio, findings, cause } of transitions) {
    const key = `${rule} ${tag}`;
    const standing = open.get(key);
    if (standing === undefined && isStanding(to)) {
      const shown = findings.slice(0, findingsBound);
      open.set(key, { fromMs: atMs, toMs: null, rule, tag, message, ratio, findings: shown, ...(cause !== undefined && { cause }) });
    } else if (standing !== undefined && !isStanding(to)) {
      if (atMs >= fromMs) spans.push({ ...standing, toMs: atMs });
      open.delete(key);
    }
  }
  return [...spans, ...open.values()].slice(-spansBound);
}
