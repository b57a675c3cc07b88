import type { Config } from '../config/schema.ts';
import { type AlarmTransition, type AssetAlarmState, isStanding } from '../core/alarm.ts';
import type { ControlRow } from '../core/control-row.ts';
import type { SampleBlock } from '../core/sample-block.ts';
import type { Scorer } from '../core/score.ts';
import type { Names } from './names.ts';
import { Pipeline, type PipelineOutput, type SavedPipeline } from './pipeline.ts';
import { planPipeline } from './plan.ts';

/** What a model raised while both judged. */
export interface Tally {
  /** Rows with a verdict. */
  readonly rows: number;
  /** Of these, in alarm. */
  readonly alarmRows: number;
  readonly alarms: number;
  readonly warnings: number;
}

export interface ShadowTally {
  readonly active: Tally;
  readonly candidate: Tally;
}

export interface SavedShadow {
  readonly bundle: string;
  readonly reason: string;
  readonly pipeline: SavedPipeline;
  readonly tally: ShadowTally;
}

const nothing: Tally = { rows: 0, alarmRows: 0, alarms: 0, warnings: 0 };

/** Counts what passes through an output. */
class Counter {
  tally: Tally;
  #inAlarm: boolean;

  constructor(tally: Tally, inAlarm: boolean) {
    this.tally = tally;
    this.#inAlarm = inAlarm;
  }

  score(): void {
    const { rows, alarmRows } = this.tally;
    this.tally = { ...this.tally, rows: rows + 1, alarmRows: alarmRows + Number(this.#inAlarm) };
  }

  transition({ rule, from, to }: AlarmTransition): void {
    const { alarms, warnings } = this.tally;
    if (rule === 'drift' && to === 'unacknowledged' && from !== to) this.tally = { ...this.tally, warnings: warnings + 1 };
    if (rule !== 'anomaly') return;
    if (!this.#inAlarm && isStanding(to)) this.tally = { ...this.tally, alarms: alarms + 1 };
    this.#inAlarm = isStanding(to);
  }
}

/**
 * A candidate that judges an asset beside the model in force, unheard: a pipeline of its own over the same log, so what it counted survives a restart like everything else. When it is put in force, its detector goes
 * on from where it is.
 */
export class Shadow {
  readonly asset: string;
  readonly bundle: string;
  readonly reason: string;
  readonly scorer: Scorer;
  readonly #pipeline: Pipeline;
  readonly #active: Counter;
  readonly #candidate: Counter;
  readonly #output: PipelineOutput;

  /** `active`: the asset's state as the candidate begins. */
  constructor(
    { config, names }: { readonly config: Config; readonly names: Names },
    { asset, bundle, reason, scorer }: Pick<Shadow, 'asset' | 'bundle' | 'reason' | 'scorer'>,
    active: AssetAlarmState | undefined,
    saved?: SavedShadow,
  ) {
    this.asset = asset;
    this.bundle = bundle;
    this.reason = reason;
    this.scorer = scorer;
    const alone: Config = { ...config, assets: config.assets.filter(({ id }) => id === asset) };
    this.#pipeline = new Pipeline(planPipeline(alone, names, new Map([[asset, scorer]])));
    if (saved !== undefined) this.#pipeline.restore(saved.pipeline);
    this.#active = new Counter(saved?.tally.active ?? nothing, inAlarm(active));
    this.#candidate = new Counter(saved?.tally.candidate ?? nothing, inAlarm(this.#pipeline.documents()[0]));
    this.#output = {
      score: () => this.#candidate.score(),
      transition: (transition) => this.#candidate.transition(transition),
      invalid: () => {},
      scoringFailed: () => {},
    };
  }

  block(block: SampleBlock): void {
    this.#pipeline.block(block);
  }

  /** What people say of alarms is said of those they heard. */
  control(row: ControlRow): void {
    if (row.kind !== 'command' || (row.command.asset === this.asset && row.command.verb === 'newNormal')) this.#pipeline.control(row);
  }

  async settle(): Promise<void> {
    await this.#pipeline.settle(this.#output);
  }

  /** Takes note of what the model in force says. */
  watching(output: PipelineOutput): PipelineOutput {
    return {
      ...output,
      score: (score, asset) => {
        if (score.asset === this.asset) this.#active.score();
        output.score(score, asset);
      },
      transition: (transition, asset) => {
        if (transition.asset === this.asset) this.#active.transition(transition);
        output.transition(transition, asset);
      },
    };
  }

  get tally(): ShadowTally {
    return { active: this.#active.tally, candidate: this.#candidate.tally };
  }

  /** Where its detector stands. */
  detectors(): SavedPipeline['detectors'] {
    return this.#pipeline.save().detectors;
  }

  save(): SavedShadow {
    return { bundle: this.bundle, reason: this.reason, pipeline: this.#pipeline.save(), tally: this.tally };
  }
}

const inAlarm = (state: AssetAlarmState | undefined): boolean =>
  state?.alarms.some(({ rule, state: word }) => rule === 'anomaly' && isStanding(word)) ?? false;
