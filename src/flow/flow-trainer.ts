import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseDurationMs } from '../core/duration.ts';
import { FettleError, hasCode } from '../core/errors.ts';
import { compareInBackground } from '../gateway/compare-in-background.ts';
import type { ComparedEpisode } from '../gateway/compare-models.ts';
import { isBundleId } from '../learning/bundle-name.ts';
import { type Runs, readRuns } from '../learning/train.ts';
import { trainInBackground } from '../learning/train-in-background.ts';
import { type FlowModel, readModel } from './flow-scorer.ts';
import { KeptSamples, type KeptSpan } from './kept-samples.ts';
import type { FlowSample } from './message-samples.ts';
import { findModel, versionsIn } from './model-shelf.ts';
import { planFlow } from './plan-flow.ts';

export interface FlowTrainerOptions {
  /** A directory of its own: samples and the candidate. */
  readonly directory: string;
  /** The folder of the flow's own models; what is activated goes there. */
  readonly models: string;
  /** Name of the model there, as in `pump`. */
  readonly model: string;
  /** Name of the machine, as in `line1/pump3`. */
  readonly asset: string;
  /** Names of the values to learn. Where empty, those of the active model, else all that came and ever changed. */
  readonly values?: readonly string[];
  /** How long samples are kept, as in `1h`. */
  readonly keep?: string;
  /** The grid where no active model of windows has one: the step as in `1s`, steps in a window and between two. */
  readonly step?: string;
  readonly length?: number;
  readonly slide?: number;
}

/** What to learn from: a stretch of what was kept, all of it where nothing is said, or a recording. */
export interface TrainWish {
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  /** A CSV file with a header, one column a value. */
  readonly recording?: string | undefined;
  /** Its column with the time; `time` where absent. */
  readonly time?: string | undefined;
  readonly ignore?: readonly string[] | undefined;
}

/** A model on a stretch that others were asked about as well. */
export interface FlowComparedModel {
  /** `pump@1.0.0` */
  readonly name: string;
  readonly windows: number;
  readonly alarms: number;
  /** Share of the windows above the limit. */
  readonly inAlarm: number;
  /** Of score over limit. */
  readonly median: number;
  readonly p99: number;
  readonly episodes: readonly ComparedEpisode[];
}

export interface FlowComparison {
  readonly fromMs: number;
  readonly toMs: number;
  /** Share of the windows on which both say the same. */
  readonly agreement: number;
  readonly active: FlowComparedModel;
  readonly candidate: FlowComparedModel;
}

export interface FlowCandidate {
  readonly asset: string;
  readonly model: FlowModel;
  readonly directory: string;
  readonly rows: number;
  /** Null for a recording without times. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
  /** Values that never changed and are not in the model. */
  readonly leftOut: readonly string[];
  /** Score over limit of unseen windows. */
  readonly median: number;
  readonly largest: number;
  /** On what it learnt from, beside the active model; null where there is none, and then why. */
  readonly comparison: FlowComparison | null;
  readonly notCompared: string | undefined;
}

/** How far it has come. */
export interface TrainProgress {
  readonly doing: 'reading' | 'training' | 'comparing';
  /** 0 to 1. */
  readonly share: number;
}

const seed = 1;

/** Keeps what a machine says, learns a model of its windows from it, and puts that in force when a person says so. */
export class FlowTrainer {
  readonly #options: Required<FlowTrainerOptions>;
  readonly #kept: KeptSamples;
  readonly #candidates: string;
  #busy = false;

  private constructor(options: Required<FlowTrainerOptions>, kept: KeptSamples) {
    this.#options = options;
    this.#kept = kept;
    this.#candidates = join(options.directory, 'candidate', options.model);
  }

  /** Throws FETTLE_CONFIG_INVALID with what is wrong of the options, FETTLE_DATA_LOCKED, FETTLE_DATA_TOO_NEW, FETTLE_JOURNAL_FAILED. */
  static async open(given: FlowTrainerOptions): Promise<FlowTrainer> {
    const options = { values: [], keep: '1h', step: '1s', length: 32, slide: 8, ...given };
    const { asset, directory, keep, step, length, slide, model } = options;
    const keepMs = parseDurationMs(keep);
    if (keepMs === undefined) throw new FettleError('FETTLE_CONFIG_INVALID', `keep must be a duration like 1h, it is ${keep}`);
    if (!isBundleId(model))
      throw new FettleError('FETTLE_CONFIG_INVALID', `${model || 'nothing'} is no name for a model that is to be learnt`, {
        hint: 'small letters, digits, dots and dashes, as in pump or line1-pump3; a path cannot be learnt anew',
      });
    // Says what is wrong before the first message does.
    planFlow({ asset, values: ['value'], window: { step, length, slide } });
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return new FlowTrainer(options, await KeptSamples.open({ directory: join(directory, 'samples'), asset, keepMs }));
  }

  /** Throws FETTLE_SOURCE_BUSY, FETTLE_JOURNAL_FULL, FETTLE_JOURNAL_FAILED. */
  push(samples: readonly FlowSample[]): void {
    this.#kept.put(samples);
  }

  kept(): Promise<KeptSpan | undefined> {
    return this.#kept.span();
  }

  /** The candidate that waits; undefined where none does. */
  async candidate(): Promise<FlowModel | undefined> {
    const directory = this.#candidate();
    return directory === undefined ? undefined : readModel(directory);
  }

  /**
   * Learns a candidate in the background; it takes the place of one that waits. Throws FETTLE_SOURCE_BUSY while another is learnt, FETTLE_TRAINING_FAILED with what is missing, FETTLE_CSV_INVALID; rejects with
   * the signal's reason, and then nothing is written.
   */
  async train(wish: TrainWish, signal: AbortSignal, report: (progress: TrainProgress) => void = () => {}): Promise<FlowCandidate> {
    return this.#alone(async () => {
      report({ doing: 'reading', share: 0 });
      const active = await this.#active();
      const grid = this.#gridOf(active);
      const { rows, leftOut } = changing(await this.#rowsOf(wish, active, grid), this.#options.values);
      signal.throwIfAborted();
      // Beside the candidate that waits, which stays until there is another.
      const fresh = join(this.#options.directory, 'new');
      rmSync(fresh, { recursive: true, force: true });
      const out = join(fresh, this.#options.model, await this.#nextVersion(active));
      const { stepMs, length, slide } = grid;
      const { manifest } = await trainInBackground(
        {
          // Handed over; the comparison wants them once more.
          runs: { ...rows, runs: rows.runs.map((run) => ({ ...run, values: run.values.slice() })) },
          options: { stepMs, length, slide, out, precision: 'int8', seed },
        },
        signal,
        ({ epoch, epochs }) => report({ doing: 'training', share: epoch / epochs }),
      );
      rmSync(this.#candidates, { recursive: true, force: true });
      mkdirSync(dirname(this.#candidates), { recursive: true });
      renameSync(dirname(out), this.#candidates);
      report({ doing: 'comparing', share: 1 });
      const directory = this.#candidate() as string;
      const compared = await this.#compare(rows, grid, signal);
      const { training, calibration } = manifest;
      return {
        asset: this.#options.asset,
        model: await readModel(directory),
        directory,
        rows: training.rows,
        fromMs: training.fromMs,
        toMs: training.toMs,
        leftOut,
        median: calibration.medianRatio,
        largest: calibration.maxRatio,
        ...compared,
      };
    });
  }

  /** Candidate and active model on a stretch; what came since the candidate learnt where nothing is said: that is the fair one. Throws FETTLE_MODEL_INVALID where one of them is missing, FETTLE_TRAINING_FAILED where there are no samples. */
  async compare(wish: TrainWish, signal: AbortSignal): Promise<FlowComparison> {
    return this.#alone(async () => {
      const candidate = await this.candidate();
      if (candidate === undefined) throw noCandidate(this.#options.model);
      const since = wish.recording === undefined ? { ...wish, fromMs: wish.fromMs ?? candidate.learntUntilMs ?? undefined } : wish;
      const rows = await this.#rowsOf(since, candidate, candidate);
      if (rows.runs.every(({ rows: count }) => count < candidate.length))
        throw new FettleError('FETTLE_TRAINING_FAILED', `no window of ${candidate.name} fits into what there is to compare on`, {
          hint: 'wait until more has come, or name a longer stretch',
        });
      const { comparison, notCompared } = await this.#compare(rows, candidate, signal);
      if (comparison === null) throw new FettleError('FETTLE_MODEL_INVALID', `${candidate.name} cannot be compared: ${notCompared}`);
      return comparison;
    });
  }

  /** Puts the candidate in force: whoever scores with this model takes it without a deploy. Returns its name. Throws FETTLE_MODEL_INVALID where none waits. */
  async activate(): Promise<string> {
    const directory = this.#candidate();
    const { model, models } = this.#options;
    if (directory === undefined) throw noCandidate(model);
    const { name } = await readModel(directory);
    const shelf = join(models, model);
    // A bundle without versions is one of them from now on.
    if (existsSync(join(shelf, 'manifest.json'))) {
      const aside = `${shelf}.old`;
      renameSync(shelf, aside);
      mkdirSync(shelf, { recursive: true });
      renameSync(aside, join(shelf, versionOf((await readModel(aside)).name)));
    }
    mkdirSync(shelf, { recursive: true });
    renameSync(directory, join(shelf, versionOf(name)));
    return name;
  }

  /** Goes back to the version before; the one in force waits as candidate again. Returns the name of what is in force. Throws FETTLE_MODEL_INVALID where there is none before. */
  async previous(): Promise<string> {
    const { model, models } = this.#options;
    const newest = versionsIn(join(models, model)).at(-1);
    if (newest === undefined) throw new FettleError('FETTLE_MODEL_INVALID', `no version of ${model} was put in force here`);
    const inForce = join(models, model, newest);
    const waiting = join(this.#candidates, newest);
    rmSync(this.#candidates, { recursive: true, force: true });
    mkdirSync(this.#candidates, { recursive: true });
    renameSync(inForce, waiting);
    const before = await this.#active();
    if (before !== undefined) return before.name;
    renameSync(waiting, inForce);
    throw new FettleError('FETTLE_MODEL_INVALID', `there is no ${model} before version ${newest}: it stays in force`);
  }

  async close(): Promise<void> {
    await this.#kept.close();
  }

  async #alone<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#busy) throw new FettleError('FETTLE_SOURCE_BUSY', `${this.#options.model} is being learnt already`);
    this.#busy = true;
    try {
      return await work();
    } finally {
      this.#busy = false;
    }
  }

  async #active(): Promise<FlowModel | undefined> {
    const { model, models } = this.#options;
    try {
      return await readModel(findModel(model, models).directory);
    } catch (error) {
      if (hasCode(error, 'FETTLE_MODEL_INVALID')) return undefined;
      throw error;
    }
  }

  #candidate(): string | undefined {
    const version = versionsIn(this.#candidates).at(-1);
    return version === undefined ? undefined : join(this.#candidates, version);
  }

  /** After all that are there, so that it is the newest once it is put in force. */
  async #nextVersion(active: FlowModel | undefined): Promise<string> {
    const names = [active?.name, (await this.candidate())?.name].flatMap((name) => (name === undefined ? [] : [versionOf(name)]));
    const [latest] = names.sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
    if (latest === undefined) return '1.0.0';
    const [major, minor, patch] = latest.split('.').map(Number) as [number, number, number];
    return `${major}.${minor}.${patch + 1}`;
  }

  /** That of the active model, so that nothing else has to change when the candidate takes its place. */
  #gridOf(active: FlowModel | undefined): Grid {
    const { step, length, slide } = this.#options;
    if (active !== undefined && !active.tracking) return active;
    return { stepMs: parseDurationMs(step) as number, length, slide };
  }

  async #rowsOf(
    { recording, time = 'time', ignore = [], fromMs, toMs }: TrainWish,
    active: FlowModel | undefined,
    grid: Grid,
  ): Promise<Runs> {
    const named = this.#options.values.length > 0 ? this.#options.values : (active?.values ?? []);
    if (recording !== undefined) {
      const runs = await readRuns({ csv: [recording], time, ignore, ...grid });
      return named.length === 0 ? runs : only(runs, named, recording);
    }
    const span = await this.#kept.span();
    if (span === undefined)
      throw new FettleError('FETTLE_TRAINING_FAILED', `no samples of ${this.#options.asset} have come yet`, {
        hint: 'wire what is measured to this node, or name a recording',
      });
    const columns = named.length > 0 ? named : this.#kept.values;
    const stretch = { fromMs: fromMs ?? span.fromMs, toMs: toMs ?? span.toMs };
    return { columns, timed: true, runs: await this.#kept.runs(columns, grid, stretch) };
  }

  async #compare(rows: Runs, { stepMs }: Grid, signal: AbortSignal): Promise<Pick<FlowCandidate, 'comparison' | 'notCompared'>> {
    const { model, models, asset } = this.#options;
    const candidate = this.#candidate() as string;
    const active = await this.#active();
    if (active === undefined) return { comparison: null, notCompared: `there is no ${model} in force` };
    try {
      const {
        fromMs,
        toMs,
        agreement,
        models: compared,
      } = await compareInBackground(
        {
          asset,
          history: {
            channels: rows.columns,
            stepMs,
            runs: rows.runs.map(({ rows: count, values, firstStep }) => ({ rows: count, values, startMs: firstStep * stepMs })),
          },
          startsMs: rows.runs.map(({ firstStep }) => (firstStep + 1) * stepMs),
          stretches: [],
          directories: [findModel(model, models).directory, candidate],
        },
        signal,
      );
      const [ours, theirs] = [active.name, (await readModel(candidate)).name];
      const of = (name: string, i: number): FlowComparedModel => {
        const { rows: windows, alarms, alarmRows, median, p99, episodes } = compared[i] as (typeof compared)[0];
        return { name, windows, alarms, inAlarm: windows === 0 ? 0 : alarmRows / windows, median, p99, episodes };
      };
      return { comparison: { fromMs, toMs, agreement, active: of(ours, 0), candidate: of(theirs, 1) }, notCompared: undefined };
    } catch (error) {
      // An active model of other values is no reason to throw away what was learnt.
      if (!hasCode(error, 'FETTLE_MODEL_MISMATCH')) throw error;
      return { comparison: null, notCompared: error.message };
    }
  }
}

type Grid = Pick<FlowModel, 'stepMs' | 'length' | 'slide'>;

const versionOf = (name: string): string => name.slice(name.lastIndexOf('@') + 1);

const noCandidate = (model: string): FettleError =>
  new FettleError('FETTLE_MODEL_INVALID', `no candidate for ${model} waits`, { hint: 'train one first' });

/** These columns alone. Throws FETTLE_CSV_INVALID where the recording lacks one. */
function only(runs: Runs, wanted: readonly string[], file: string): Runs {
  const from = wanted.map((name) => runs.columns.indexOf(name));
  const missing = wanted.filter((_, i) => from[i] === -1);
  if (missing.length > 0)
    throw new FettleError(
      'FETTLE_CSV_INVALID',
      `${file}:1: has no column ${missing.join(', ')}; its columns are ${runs.columns.join(', ')}`,
    );
  return picked(runs, from);
}

const picked = ({ columns, runs, timed }: Runs, from: readonly number[]): Runs => ({
  columns: from.map((c) => columns[c] as string),
  timed,
  runs: runs.map((run) => {
    const values = new Float64Array(run.rows * from.length);
    for (let row = 0; row < run.rows; row++)
      from.forEach((c, to) => {
        values[row * from.length + to] = run.values[row * columns.length + c] as number;
      });
    return { ...run, values };
  }),
});

/** Without what never changed; where a person named it, it stays and training says so. */
function changing(rows: Runs, named: readonly string[]): { readonly rows: Runs; readonly leftOut: readonly string[] } {
  const { columns, runs } = rows;
  const first = runs[0]?.values;
  const moves = columns.map(() => false);
  for (const { values } of runs)
    for (let at = 0; at < values.length; at++) {
      const c = at % columns.length;
      if (values[at] !== first?.[c]) moves[c] = true;
    }
  const leftOut = columns.filter((_, c) => moves[c] !== true);
  if (named.length > 0 || leftOut.length === 0 || leftOut.length === columns.length) return { rows, leftOut: [] };
  return {
    rows: picked(
      rows,
      [...columns.keys()].filter((c) => moves[c] === true),
    ),
    leftOut,
  };
}
