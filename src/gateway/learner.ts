import { join } from 'node:path';
import { type AssetConfig, budgetOf, type Config } from '../config/schema.ts';
import { formatDuration } from '../core/duration.ts';
import { errorText, FettleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { ModelManifest } from '../core/manifest.ts';
import { learnInBackground } from '../learning/learn-in-background.ts';
import type { LearnProgress } from '../learning/learn-task.ts';
import { modelledOf } from './contexts.ts';
import type { RecordedHistory } from './history-rows.ts';
import { type Lesson, type LessonFacts, lessonFor, nextStage, outcomeOf, runningMs } from './lessons.ts';
import { bundleIdOf, bundlesOf } from './model-store.ts';
import type { Seen } from './seen.ts';
import type { ShadowTally } from './shadow.ts';

export interface CandidateStatus {
  readonly bundle: string;
  /** Why it was learnt. */
  readonly reason: string;
  readonly tally: ShadowTally;
}

export interface LearningStatus {
  /** What the asset is judged by now. */
  readonly stage: LessonFacts['stage'];
  /** In words: what it is waiting for, or what went wrong. */
  readonly text: string;
  /** Ways of running nobody has named, for a person to confirm: unless `when`, and in which share of what was learnt. */
  readonly found: {
    readonly stops?: { readonly when: string; readonly share: number };
    readonly idle?: { readonly load: string; readonly share: number };
  };
  /** Why the last try to learn came to nothing; null where it did not. */
  readonly failure: string | null;
  /** Valid running time seen and wanted for the next stage, ms. */
  readonly seenMs: number;
  readonly wantedMs: number;
  /** While it learns: how far it has come, and how long it may still take, ms. */
  readonly progress: (LearnProgress & { readonly leftMs: number | null }) | null;
  /** What judges beside the model in force, unheard. */
  readonly candidate: CandidateStatus | null;
}

/** Assets go by their id, contexts by theirs: `line1/press@17`. */
export interface LearnerOwner {
  seen(asset: string): Seen;
  /** Contexts of an asset that have come, as people name them. */
  contextsOf(asset: AssetConfig): string[];
  manifestOf(asset: string): ModelManifest | undefined;
  candidateOf(asset: string): (CandidateStatus & { readonly manifest: ModelManifest }) | undefined;
  slowChange(asset: string): LessonFacts['slowChange'];
  /** Healthy rows of the asset, from its own grid, oldest first. */
  history(asset: string, sinceMs: number): Promise<RecordedHistory>;
  /** A person chose the model: it is left alone. */
  pinned(asset: string): boolean;
  /** A bundle below the data directory is to judge the asset. */
  activate(asset: string, bundle: string): void;
  /** It is to judge beside the one in force; null: none is. */
  propose(asset: string, bundle: string | null, reason: string): void;
  /** How far learning is has changed. */
  changed(asset: string, status: LearningStatus): void;
}

/** After a failure it is tried again when this share more has been seen. */
const patience = 1.25;

/** What is learnt by itself: an asset, or one of its contexts. */
interface Pupil {
  readonly id: string;
  readonly asset: AssetConfig;
}

interface Busy extends Lesson {
  readonly asset: string;
  readonly done: Promise<void>;
  readonly cancel: AbortController;
  readonly begunMs: number;
  progress: LearnProgress;
}

/** Assets that learn what is normal from themselves: waits for enough, learns in the background, one asset at a time, and hands the bundle over. */
export class Learner {
  readonly #assets: readonly AssetConfig[];
  readonly #config: Config;
  readonly #owner: LearnerOwner;
  readonly #log: Logger;
  readonly #failures = new Map<string, { readonly rows: number; readonly reason: string }>();
  /** Learnt and handed over, not in force yet: by asset the version. */
  readonly #handedOver = new Map<string, string>();
  readonly #requested = new Set<string>();
  #busy: Busy | undefined;

  constructor(config: Config, owner: LearnerOwner, log: Logger) {
    this.#config = config;
    this.#assets = config.assets.filter(({ detector }) => detector?.learn !== undefined);
    this.#owner = owner;
    this.#log = log;
  }

  /** To be called now and then: begins to learn where there is enough, and puts candidates in force that have proved themselves. */
  consider(signal: AbortSignal): void {
    if (signal.aborted) return;
    const pupils = this.#pupils();
    for (const pupil of pupils) this.#promote(pupil);
    if (this.#busy !== undefined) return;
    for (const pupil of pupils) {
      const lesson = this.#due(pupil);
      if (lesson === undefined) continue;
      const cancel = new AbortController();
      const progress = { doing: 'reading its history', done: 0, of: 1 };
      const done = this.#learn(pupil, lesson, AbortSignal.any([signal, cancel.signal])).finally(() => {
        this.#busy = undefined;
        this.#owner.changed(pupil.id, this.#status(pupil));
      });
      this.#busy = { asset: pupil.id, ...lesson, done, cancel, progress, begunMs: performance.now() };
      this.#owner.changed(pupil.id, this.#status(pupil));
      return;
    }
  }

  /** Resolves when nothing is being learnt. */
  async settled(): Promise<void> {
    await this.#busy?.done;
  }

  /** A candidate is wanted now, from what there is. Throws FETTLE_COMMAND_INVALID. */
  request(asset: string): void {
    this.#mustLearn(asset);
    if (this.#owner.manifestOf(asset)?.stage !== 'established')
      throw new FettleError('FETTLE_COMMAND_INVALID', `${asset} has no established model that a candidate could follow`, {
        hint: 'fettle status says what it is waiting for',
      });
    this.#requested.add(asset);
    this.#failures.delete(asset);
  }

  /** What is being learnt is given up. Throws FETTLE_COMMAND_INVALID where the asset learns nothing. */
  async cancel(asset: string, by: string): Promise<void> {
    if (this.#busy?.asset !== asset) throw new FettleError('FETTLE_COMMAND_INVALID', `${asset} is not learning now`);
    this.#requested.delete(asset);
    this.#busy.cancel.abort(new FettleError('FETTLE_COMMAND_INVALID', `cancelled by ${by}`));
    await this.settled();
  }

  /** By asset. */
  all(): Record<string, LearningStatus> {
    return Object.fromEntries(this.#pupils().map((pupil) => [pupil.id, this.#status(pupil)]));
  }

  #pupils(): Pupil[] {
    return this.#assets.flatMap((asset): Pupil[] =>
      asset.context === undefined
        ? [{ id: asset.id, asset }]
        : this.#owner.contextsOf(asset).map((context) => ({ id: modelledOf(asset.id, context), asset })),
    );
  }

  #mustLearn(asset: string): void {
    if (!this.#pupils().some(({ id }) => id === asset))
      throw new FettleError('FETTLE_COMMAND_INVALID', `${asset} does not learn from itself (detector: { learn: {} })`);
  }

  #factsOf({ id }: Pupil): LessonFacts {
    return {
      stage: this.#owner.manifestOf(id)?.stage ?? 'none',
      seen: this.#owner.seen(id),
      slowChange: this.#owner.slowChange(id),
      requested: this.#requested.has(id),
      hasCandidate: this.#owner.candidateOf(id) !== undefined,
    };
  }

  #status(pupil: Pupil): LearningStatus {
    const { id, asset } = pupil;
    const facts = this.#factsOf(pupil);
    const { stage } = facts;
    const seenMs = runningMs(asset, facts);
    const next = nextStage(stage);
    const wantedMs = next === undefined ? 0 : (asset.detector?.learn?.[next] ?? 0);
    const busy = this.#busy?.asset === id ? this.#busy : undefined;
    const candidate = this.#owner.candidateOf(id);
    return {
      stage,
      text: this.#textOf(id, { stage, seenMs, wantedMs, busy, candidate }),
      found: this.#foundOf(id),
      failure: this.#failures.get(id)?.reason ?? null,
      seenMs,
      wantedMs,
      progress: busy === undefined ? null : { ...busy.progress, leftMs: leftMs(busy) },
      candidate: candidate === undefined ? null : { bundle: candidate.bundle, reason: candidate.reason, tally: candidate.tally },
    };
  }

  #textOf(
    id: string,
    {
      stage,
      seenMs,
      wantedMs,
      busy,
      candidate,
    }: Pick<LearningStatus, 'stage' | 'seenMs' | 'wantedMs'> & { busy: Busy | undefined; candidate: CandidateStatus | undefined },
  ): string {
    if (busy !== undefined)
      return `${id} learns its ${busy.stage} model (${busy.progress.doing}, ${busy.progress.done} of ${busy.progress.of})`;
    const waiting =
      wantedMs === 0
        ? `${id} established: ${formatDuration(seenMs)} of running time seen`
        : `${id} ${stage === 'none' ? 'learning' : stage}: ${formatDuration(seenMs)} of ${formatDuration(wantedMs)} running time seen`;
    const failure = this.#failures.get(id);
    const failed = failure === undefined ? '' : `; it could not learn: ${failure.reason}`;
    return `${waiting}${this.#recognisedText(id)}${candidate === undefined ? '' : `; ${candidateText(candidate)}`}${failed}`;
  }

  #foundOf(id: string): LearningStatus['found'] {
    const { running, idle } = this.#owner.manifestOf(id) ?? {};
    const asset = this.#assets.find((one) => one.id === id);
    if (running !== undefined && asset?.running === undefined && asset?.detector?.learn?.recogniseStops === true)
      return { stops: { when: running.when, share: running.offShare } };
    return idle === undefined ? {} : { idle: { load: idle.load, share: 1 - idle.share } };
  }

  #recognisedText(id: string): string {
    const { stops, idle } = this.#foundOf(id);
    if (stops !== undefined)
      return `; it seems to stand still unless ${stops.when} (${share(stops.share)} of what it learnt from), and is not judged then: running: { when: "${stops.when}" } confirms it`;
    if (idle !== undefined)
      return `; it seems to run in two ways, ${idle.load} in ${share(idle.share)} of what it learnt from: both are learnt as normal`;
    return '';
  }

  #due(pupil: Pupil): Lesson | undefined {
    const { id, asset } = pupil;
    if (this.#owner.pinned(id) && !this.#requested.has(id)) return undefined;
    const version = this.#handedOver.get(id);
    if (
      version !== undefined &&
      version !== this.#owner.manifestOf(id)?.version &&
      version !== this.#owner.candidateOf(id)?.manifest.version
    )
      return undefined;
    const facts = this.#factsOf(pupil);
    const failed = this.#failures.get(id);
    if (failed !== undefined && facts.seen.rows < failed.rows * patience) return undefined;
    const lesson = lessonFor(asset, facts);
    if (asset.context === undefined || lesson === undefined || lesson.reason === null) return lesson;
    // A context runs now and then, so nothing judges beside its model: what a person asked for takes over at once, what may be wear is left.
    return lesson.reason === 'slow change' ? undefined : { ...lesson, reason: null };
  }

  #promote({ id, asset: { window, detector } }: Pupil): void {
    const candidate = this.#owner.candidateOf(id);
    const active = this.#owner.manifestOf(id);
    if (candidate === undefined || active === undefined || detector?.learn?.promote !== 'auto') return;
    const outcome = outcomeOf(candidate, active, candidate.tally.active.rows * window.step >= detector.learn.shadow);
    if (outcome === undefined) return;
    this.#log.info({ asset: id, bundle: candidate.bundle }, `${id}: ${outcome.text}`);
    if (outcome.promote) this.#owner.activate(id, candidate.bundle);
    else this.#owner.propose(id, null, outcome.text);
  }

  async #learn(pupil: Pupil, { stage, reason, sinceMs }: Lesson, signal: AbortSignal): Promise<void> {
    const { id, asset } = pupil;
    const { detector } = asset;
    const { rows } = this.#owner.seen(id);
    // A version means one content: what was learnt before and never came into force is not in the way.
    const version = `${stage === 'provisional' ? 0 : 1}.0.${Math.floor(Date.now() / 1000)}`;
    const bundle = join(bundlesOf(id), version);
    this.#log.info({ asset: id, stage, rows, reason }, `${id} learns its ${stage} model${reason === null ? '' : ` anew (${reason})`}`);
    try {
      const { history, calm, startsMs } = await this.#owner.history(id, sinceMs);
      signal.throwIfAborted();
      const last = history.runs.at(-1);
      const parent = this.#owner.manifestOf(id);
      await learnInBackground(
        {
          history,
          calm,
          directory: join(this.#config.data, bundle),
          budgetPerDay: budgetOf(this.#config, asset),
          precision: detector?.precision ?? 'int8',
          loss: detector?.loss ?? 0,
          family: detector?.family ?? 'linear',
          // Once recognised, stops are not in the history any more.
          recogniseStops:
            asset.running === undefined &&
            asset.context === undefined &&
            detector?.learn?.recogniseStops === true &&
            parent?.running === undefined,
          facts: {
            id: bundleIdOf(id),
            version,
            stage,
            stepMs: asset.window.step,
            fromMs: startsMs[0] === undefined ? null : startsMs[0] - asset.window.step,
            toMs: last === undefined ? null : (startsMs.at(-1) as number) + (last.rows - 1) * asset.window.step,
            units: unitsOf(this.#config),
            ...(parent !== undefined && { parent: parent.version }),
            ...(parent?.running !== undefined && { running: parent.running }),
          },
        },
        signal,
        (progress) => {
          if (this.#busy !== undefined) this.#busy.progress = progress;
          this.#owner.changed(pupil.id, this.#status(pupil));
        },
      );
      this.#failures.delete(id);
      this.#requested.delete(id);
      this.#handedOver.set(id, version);
      if (reason === null) this.#owner.activate(id, bundle);
      else this.#owner.propose(id, bundle, reason);
    } catch (error) {
      if (signal.aborted && !(signal.reason instanceof FettleError)) return;
      const text = errorText(error);
      this.#requested.delete(id);
      this.#failures.set(id, { rows, reason: text });
      this.#log.warn({ asset: id, stage }, `${id} could not learn its ${stage} model: ${text}`);
    }
  }
}

/** From what it has taken so far; null as long as that says nothing. */
function leftMs({ progress: { done, of }, begunMs }: Busy): number | null {
  return done === 0 ? null : Math.round(((performance.now() - begunMs) / done) * (of - done));
}

const share = (part: number): string => `${Math.round(part * 100)} %`;

const candidateText = ({ reason, tally: { active, candidate } }: CandidateStatus): string =>
  `a candidate (${reason}) judges beside it: ${candidate.alarms} alarms in ${candidate.rows} rows, ${active.alarms} by the model in force`;

const unitsOf = ({ tags }: Config): Record<string, string> =>
  Object.fromEntries(
    Object.entries(tags).flatMap(([tag, { engineeringUnit }]) => (engineeringUnit === undefined ? [] : [[tag, engineeringUnit]])),
  );
