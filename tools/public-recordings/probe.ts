import { gridRows, type JudgedRow, judgeRecording, type RecordedRows } from '../../src/gateway/recording-run.ts';
import { readRecording } from '../../src/learning/evaluation/recording.ts';
import type { Precision } from '../../src/learning/evaluation/report.ts';
import { bundleOf } from '../../src/learning/tracking/bundle.ts';
import { learnTracking } from '../../src/learning/tracking/learn.ts';
import { type Context, filesIn } from './context.ts';
import { atLeast, atMost, type Figure, shown, table } from './figures.ts';
import { skabProtocol } from './skab.ts';

const stepMs = 1_000;
const learningRows = 1_800;
/** Rows into the test at which the injected change begins, and how long after its end it may be noticed. */
const onset = 900;
const patience = 600;
const joinRows = 30;
const deviations = [4, 8] as const;
export const rampRows = [1, 60, 300, 900, 1_800] as const;

/**
 * Rows before the fault of recordings of one plant, one after the other as they were made (their names sort otherwise: 0, 10, 12, 2), each on the level the last one
 * ended on: out of order, warm recordings follow cold ones and the joined levels wander off.
 */
async function alignedNormal(context: Context): Promise<RecordedRows> {
  const files = ['valve1', 'valve2'].flatMap((folder) => filesIn(context, `skab/${folder}`));
  const recordings = await Promise.all(files.map((file) => readRecording(file, skabProtocol)));
  recordings.sort((a, b) => (a.timeMs[0] as number) - (b.timeMs[0] as number));
  const values: number[][] = [];
  for (const recording of recordings) {
    const until = recording.label?.indexOf(1) ?? -1;
    recording.values.forEach((column, c) => {
      values[c] ??= [];
      const joined = values[c];
      const healthy = [...column.subarray(0, until)];
      const shift = joined.length === 0 ? 0 : mean(joined.slice(-joinRows)) - mean(healthy.slice(0, joinRows));
      for (const value of healthy) joined.push(value + shift);
    });
  }
  const columns = recordings[0]?.columns ?? [];
  const rows = values[0]?.length ?? 0;
  return {
    columns,
    timeMs: Float64Array.from({ length: rows }, (_, i) => 1_600_000_000_000 + i * stepMs),
    values: values.map((column) => Float64Array.from(column)),
  };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

interface Outcome {
  readonly hits: ReadonlyMap<number, number>;
  readonly alarmsAlone: ReadonlyMap<number, number>;
  readonly episodes: number;
  readonly share: number;
}

/** A hit is an alarm or a slow-change warning where the clean stream has neither, from the onset until some minutes after the ramp. */
async function probed(context: Context, clean: RecordedRows, precision: Precision): Promise<Outcome> {
  const rows = clean.timeMs.length;
  const runs = gridRows(clean, { from: 0, to: learningRows }, stepMs);
  const learnt = await learnTracking({ channels: clean.columns, stepMs, runs }, [precision], context.recipe);
  const bundle = await bundleOf(learnt, precision, { id: 'probe', version: '1.0.0', stepMs, fromMs: null, toMs: null });
  const calm = await judgeRecording(clean, { from: learningRows, to: rows }, bundle);
  const quiet = new Set(calm.filter(({ alarm, drift }) => !alarm && !drift).map(({ endMs }) => endMs));
  const from = learningRows + onset;
  const count = new Map<number, number>();
  const alone = new Map<number, number>();
  for (const ramp of rampRows) {
    const until = Math.min(rows, from + ramp + patience);
    for (const size of deviations) {
      for (let c = 0; c < clean.columns.length; c++) {
        const values = clean.values.map((column) => column.slice(0, until));
        const changed = values[c] as Float64Array;
        const step = size * deviationOf(changed.subarray(0, learningRows));
        for (let i = from; i < until; i++) changed[i] = (changed[i] as number) + step * Math.min(1, (i - from + 1) / ramp);
        const judged = await judgeRecording(
          { ...clean, timeMs: clean.timeMs.slice(0, until), values },
          { from: learningRows, to: until },
          bundle,
        );
        const fresh = judged.filter(({ endMs }) => endMs > (clean.timeMs[from] as number) && quiet.has(endMs));
        if (fresh.some(({ alarm, drift }) => alarm || drift)) count.set(ramp, (count.get(ramp) ?? 0) + 1);
        if (fresh.some(({ alarm }) => alarm)) alone.set(ramp, (alone.get(ramp) ?? 0) + 1);
      }
    }
  }
  return {
    hits: count,
    alarmsAlone: alone,
    episodes: episodesIn(calm),
    share: calm.filter(({ alarm, drift }) => alarm || drift).length / calm.length,
  };
}

const deviationOf = (values: Float64Array): number => {
  const centre = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / values.length);
};

/** Begun after a quiet minute. */
function episodesIn(judged: readonly JudgedRow[]): number {
  let episodes = 0;
  let last = Number.NEGATIVE_INFINITY;
  for (const { endMs, alarm, drift } of judged) {
    if (!alarm && !drift) continue;
    if (endMs - last > 60_000) episodes++;
    last = endMs;
  }
  return episodes;
}

/** The same with its rows in the other order: of another machine, as far as drift goes. */
const backwards = ({ values, ...recorded }: RecordedRows): RecordedRows => ({
  ...recorded,
  values: values.map((column) => column.slice().reverse()),
});

/** Steps and ramps in one channel at a time, on a normal stream: every false-alarm figure needs such a probe beside it. */
export async function probe(context: Context): Promise<string[]> {
  const clean = await alignedNormal(context);
  const precisions = context.precisions.filter((precision) => precision === 'fp32' || precision === 'int8');
  const hours = ((clean.timeMs.length - learningRows) * stepMs) / 3_600_000;
  const title = `Injected faults: 4 and 8 deviations in each of ${clean.columns.length} channels, on pre-fault rows of the SKAB valve recordings joined (${learningRows} rows learnt, ${hours.toFixed(2)} h judged)`;
  const tables: string[] = [];
  for (const [name, stream] of [
    [title, clean],
    ['The same stream backwards in time, as a check', backwards(clean)],
  ] as const) {
    const outcomes = new Map<Precision, Outcome>();
    for (const precision of precisions) outcomes.set(precision, await probed(context, stream, precision));
    const figures = figuresOf((p) => outcomes.get(p) as Outcome);
    tables.push(
      ...table(
        name,
        precisions,
        stream === clean ? figures : figures.map(({ name: of, of: value, shown: text }) => ({ name: of, of: value, shown: text })),
      ),
    );
  }
  return tables;
}

function figuresOf(of: (precision: Precision) => Outcome): Figure[] {
  const named = (ramp: number): string => (ramp === 1 ? 'steps' : `ramps of ${ramp} s`);
  const companion = [16, 16, 15, 14, 13];
  return [
    ...rampRows.map(
      (ramp, i): Figure => ({
        name: `${named(ramp)}, alarm or slow-change warning, of 16`,
        recipe: String(companion[i]),
        target: ramp === 1 ? atLeast(16, '16') : atLeast(13, '13'),
        of: (p) => of(p).hits.get(ramp) ?? 0,
        shown: shown.count,
      }),
    ),
    ...rampRows.map(
      (ramp): Figure => ({ name: `${named(ramp)}, alarm alone`, of: (p) => of(p).alarmsAlone.get(ramp) ?? 0, shown: shown.count }),
    ),
    { name: 'false episodes', recipe: '3', target: atMost(3, '3'), of: (p) => of(p).episodes, shown: shown.count },
    { name: 'share of the time in alarm or warning', recipe: '3.5 %', of: (p) => of(p).share, shown: shown.percent },
  ];
}
