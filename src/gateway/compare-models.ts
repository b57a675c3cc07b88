import { loadBundle } from '../bundles/index.ts';
import type { History } from '../learning/tracking/history.ts';
import { type JudgedRow, judgeRecording, type RecordedRows } from './recording-run.ts';
import type { Stretch } from './verdicts.ts';

/** One time a model was in alarm. */
export interface ComparedEpisode {
  readonly fromMs: number;
  readonly toMs: number;
  /** The channel with the largest part when it began. */
  readonly channel: string | null;
}

export interface ComparedModel {
  readonly version: string;
  readonly precision: string;
  /** Rows with a verdict. */
  readonly rows: number;
  readonly alarms: number;
  readonly alarmRows: number;
  readonly warningRows: number;
  /** Of score over limit. */
  readonly median: number;
  readonly p99: number;
  /** Share of the channels its self-test saw; null: it had none. */
  readonly selfTest: number | null;
  /** Of the stretches people called faults, and of those they called false or planned, how many it alarms in. */
  readonly faultsFound: number;
  readonly falseRepeated: number;
  /** The latest, up to 50. */
  readonly episodes: readonly ComparedEpisode[];
}

/** Models of an asset on the same history. */
export interface ModelComparison {
  readonly asset: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Running time judged, ms. */
  readonly runningMs: number;
  readonly faults: number;
  readonly notFaults: number;
  /** Share of rows in which all say the same. */
  readonly agreement: number;
  readonly models: readonly ComparedModel[];
}

export interface CompareTask {
  readonly asset: string;
  readonly history: History;
  /** By run of the history: the end of its first row. */
  readonly startsMs: readonly number[];
  readonly stretches: readonly Stretch[];
  /** Of the bundles. */
  readonly directories: readonly string[];
}

const mostEpisodes = 50;

/** Streams the history through the gateway's windows, scoring, detector and alarms once a model. Throws FETTLE_MODEL_INVALID; rejects with the signal's reason. */
export async function compareModels(
  { asset, history, startsMs, stretches, directories }: CompareTask,
  _report: unknown,
  signal: AbortSignal,
): Promise<ModelComparison> {
  const recorded = recordedOf(history, startsMs);
  const judged: JudgedRow[][] = [];
  const models: ComparedModel[] = [];
  const faults = stretches.filter(({ verdict }) => verdict === 'real');
  const others = stretches.filter(({ verdict }) => verdict !== 'real');
  for (const directory of directories) {
    const bundle = await loadBundle(directory);
    const rows = await judgeRecording(recorded, { from: 0, to: recorded.timeMs.length }, bundle, signal);
    const { version, precision, selfTest } = bundle.manifest;
    const ratios = Float64Array.from(rows, ({ ratio }) => ratio)
      .filter(Number.isFinite)
      .sort();
    const at = (share: number): number => ratios[Math.min(ratios.length - 1, Math.floor(share * ratios.length))] ?? Number.NaN;
    const episodes = episodesIn(rows, history.stepMs);
    const alarmsIn = (said: readonly Stretch[]): number =>
      said.filter(({ fromMs, toMs }) => episodes.some((episode) => episode.fromMs < toMs && episode.toMs > fromMs)).length;
    judged.push(rows);
    models.push({
      version,
      precision,
      rows: rows.length,
      alarms: episodes.length,
      alarmRows: rows.filter(({ alarm }) => alarm).length,
      warningRows: rows.filter(({ drift }) => drift).length,
      median: at(0.5),
      p99: at(0.99),
      selfTest: selfTest?.share ?? null,
      faultsFound: alarmsIn(faults),
      falseRepeated: alarmsIn(others),
      episodes: episodes.slice(-mostEpisodes),
    });
  }
  return {
    asset,
    fromMs: (recorded.timeMs[0] ?? 0) as number,
    toMs: (recorded.timeMs.at(-1) ?? 0) + history.stepMs,
    runningMs: recorded.timeMs.length * history.stepMs,
    faults: faults.length,
    notFaults: others.length,
    agreement: agreementOf(judged),
    models,
  };
}

/** Rows as samples at their beginning. */
function recordedOf({ channels, runs, stepMs }: History, startsMs: readonly number[]): RecordedRows {
  const width = channels.length;
  return {
    columns: channels,
    timeMs: Float64Array.from(
      runs.flatMap(({ rows }, run) => Array.from({ length: rows }, (_, row) => (startsMs[run] as number) + (row - 1) * stepMs)),
    ),
    values: channels.map((_, c) =>
      Float64Array.from(runs.flatMap(({ rows, values }) => Array.from({ length: rows }, (__, row) => values[row * width + c] as number))),
    ),
  };
}

function episodesIn(rows: readonly JudgedRow[], stepMs: number): ComparedEpisode[] {
  const episodes: { fromMs: number; toMs: number; channel: string | null }[] = [];
  let open: (typeof episodes)[number] | undefined;
  for (const { alarm, endMs, channel } of rows) {
    if (!alarm) open = undefined;
    else if (open !== undefined) open.toMs = endMs;
    else {
      open = { fromMs: endMs - stepMs, toMs: endMs, channel };
      episodes.push(open);
    }
  }
  return episodes;
}

/** Over rows every model gave a verdict on. */
function agreementOf(judged: readonly (readonly JudgedRow[])[]): number {
  const verdicts = new Map<number, boolean[]>();
  for (const rows of judged)
    for (const { endMs, alarm } of rows) {
      const said = verdicts.get(endMs);
      if (said === undefined) verdicts.set(endMs, [alarm]);
      else said.push(alarm);
    }
  const all = [...verdicts.values()].filter(({ length }) => length === judged.length);
  return all.filter((said) => said.every((alarm) => alarm === said[0])).length / all.length;
}
