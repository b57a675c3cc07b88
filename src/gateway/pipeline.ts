import { type AlarmListener, AssetAlarms } from '../alarms/asset-alarms.ts';
import type { SavedAlarms } from '../alarms/saved-alarms.ts';
import type { AssetAlarmSettings } from '../alarms/settings.ts';
import type { AlarmTransition, AssetAlarmState } from '../core/alarm.ts';
import type { ControlRow } from '../core/control-row.ts';
import { modelName } from '../core/manifest.ts';
import type { SampleBlock } from '../core/sample-block.ts';
import type { Score, ScoreBatch, Scorer } from '../core/score.ts';
import { type InvalidWindow, invalidReasons, WindowBatchBuilder } from '../core/window.ts';
import { WindowAssembler } from '../windows/assembler.ts';
import type { SavedWindows } from '../windows/asset-windows.ts';
import type { AssetPlan, Row, RowListener } from '../windows/plan.ts';
import { Detection, type DetectorsPlan, type SavedDetection } from './detection.ts';
import { findingsOf } from './findings.ts';
import type { BoundModel, Event, Hole } from './pipeline-events.ts';
import { type SavedSeen, type Seen, SeenRows } from './seen.ts';

/** Everything the fold is made of: one entry an asset in `windows` and `alarms`, one scorer a model. */
export interface PipelinePlan {
  readonly windows: readonly AssetPlan[];
  readonly alarms: readonly AssetAlarmSettings[];
  /** `scorers[plan.batch]`. */
  readonly scorers: readonly Scorer[];
  /** By asset: the tracking detectors that read its rows; none where windows are judged as they are, or not at all. */
  readonly detectors: readonly DetectorsPlan[];
  /** By asset: it is learnt from, so its rows are counted. */
  readonly learning: readonly boolean[];
}

export interface SavedPipeline {
  readonly models: readonly string[];
  readonly windows: Record<string, SavedWindows>;
  readonly alarms: Record<string, SavedAlarms>;
  readonly detectors?: SavedDetection;
  readonly seen?: Record<string, SavedSeen>;
}

/** What comes out, in the order it was decided. Objects may be kept; they are made for the receiver. */
export interface PipelineOutput {
  score(score: Score, asset: number): void;
  /** `windows` is more than one where a whole hole is recorded at once. */
  invalid(window: InvalidWindow, windows: number): void;
  transition(transition: AlarmTransition, asset: number): void;
  scoringFailed(error: unknown, windows: number): void;
}

/**
 * The fold: blocks and control rows → scores, invalid windows, alarm transitions. It reads no clock and no other input, so
 * the same log gives the same results, however it is cut into ticks: what alarms decide is queued while windows form and carried
 * out in event-time order when the tick's scores are there. Gateway, recovery and evaluation all run this.
 */
export class Pipeline {
  readonly #plan: PipelinePlan;
  readonly #assembler: WindowAssembler;
  readonly #alarms: readonly AssetAlarms[];
  readonly #batches: readonly WindowBatchBuilder[];
  readonly #models: readonly BoundModel[];
  readonly #position = new Map<number, number>();
  readonly #rowSignatures: string[];
  readonly #needsRows: readonly boolean[];
  readonly #detection: Detection;
  readonly #seen: readonly SeenRows[];
  readonly #changed = new Set<number>();
  #events: Event[] = [];
  #holes: Hole[] = [];
  #output: PipelineOutput | undefined;
  #copied: (Pick<ScoreBatch, 'contributions' | 'observed' | 'expected'> & { readonly of: ScoreBatch }) | undefined;

  constructor(plan: PipelinePlan) {
    this.#plan = plan;
    plan.windows.forEach(({ asset }, position) => {
      this.#position.set(asset, position);
    });
    this.#batches = plan.scorers.map(({ manifest }) => new WindowBatchBuilder(manifest.length, manifest.channels.length));
    this.#models = plan.scorers.map(({ manifest }) => ({
      manifest,
      name: modelName(manifest),
      channels: manifest.channels.map(({ tag }) => tag),
    }));
    this.#assembler = new WindowAssembler(plan.windows, this.#batches, this.#rowListener());
    const listener: AlarmListener = {
      transition: (transition) => this.#output?.transition(transition, this.#current),
      state: (asset) => this.#changed.add(asset),
    };
    this.#alarms = plan.alarms.map((settings) => new AssetAlarms(settings, listener));
    this.#detection = new Detection(
      plan.windows.map(({ id }) => id),
      plan.detectors,
      plan.scorers,
    );
    this.#seen = plan.windows.map(() => new SeenRows());
    this.#needsRows = plan.alarms.map(
      ({ supervised, hasModel }, asset) => supervised.length > 0 || !hasModel || this.#detection.reads(asset),
    );
    this.#rowSignatures = plan.alarms.map(() => '');
  }

  #current = 0;

  /** Takes samples in; the results come with `settle`. */
  block(block: SampleBlock): void {
    this.#assembler.block(block);
  }

  control(row: ControlRow): void {
    this.#assembler.control(row);
    if (row.kind === 'clock') {
      this.#alarms.forEach((_, asset) => {
        const lag = row.lags.length === 0 ? 0 : Math.max(...row.lags.map(([, ms]) => ms));
        this.#events.push({ kind: 'clock', asset, atMs: row.atMs - lag });
      });
    } else if (row.kind === 'command') {
      const asset = this.#plan.alarms.findIndex(({ id }) => id === row.command.asset);
      if (asset < 0) return;
      // In order with the rows, whose verdicts depend on it.
      if (row.command.verb === 'newNormal') {
        this.#detection.acceptAsNormal(asset);
        this.#seen[asset]?.newNormal();
      }
      // A repaired machine may run at other levels: the baseline finds them, what was learnt stays.
      if (row.command.verb === 'maintenanceEnd' && row.command.rebaseline === true) this.#detection.acceptAsNormal(asset);
      if (row.command.verb === 'tagReplaced') this.#detection.replaced(asset, this.columnOf(asset, row.command.tag));
      this.#events.push({ kind: 'command', asset, row });
    }
  }

  /** Scores what has formed and carries out what follows. Returns the commands that failed, with their errors. */
  async settle(output: PipelineOutput): Promise<ReadonlyMap<ControlRow, unknown>> {
    const scored = await this.#scoreAll(output);
    // What static models scored is in arrays of theirs by now; the batches serve again.
    for (const batch of this.#batches) batch.clear();
    await this.#detection.settle(this.#batches, () => this.#scoreAll(output));
    this.#output = output;
    const failures = new Map<ControlRow, unknown>();
    try {
      for (const hole of this.#holes) output.invalid(hole, hole.windows);
      for (const event of this.#events) this.#carryOut(event, scored, output, failures);
    } finally {
      this.#output = undefined;
      this.#events = [];
      this.#holes = [];
      this.#detection.clear();
    }
    return failures;
  }

  /** One run a model. A model that failed has no result. */
  async #scoreAll(output: PipelineOutput): Promise<(ScoreBatch | undefined)[]> {
    const scored: (ScoreBatch | undefined)[] = [];
    for (const [i, batch] of this.#batches.entries()) {
      if (batch.count === 0) continue;
      try {
        scored[i] = await (this.#plan.scorers[i] as Scorer).score(batch);
      } catch (error) {
        output.scoringFailed(error, batch.count);
      }
    }
    return scored;
  }

  /** Documents of the assets whose state changed since the last call. */
  takeChanged(): AssetAlarmState[] {
    const documents = [...this.#changed].map((asset) => this.document(asset)).filter((document) => document !== undefined);
    this.#changed.clear();
    return documents;
  }

  /** Every document counts as changed. */
  touch(): void {
    for (const asset of this.#position.keys()) this.#changed.add(asset);
  }

  /** The whole alarm state of an asset (journal index). */
  document(asset: number): AssetAlarmState | undefined {
    const position = this.#position.get(asset);
    return position === undefined ? undefined : this.#alarms[position]?.document();
  }

  documents(): AssetAlarmState[] {
    return this.#alarms.map((alarms) => alarms.document());
  }

  /** After a withdrawal, sequences go on behind what the world has already seen. */
  raiseSequence(assetId: string, sequence: number): void {
    const alarms = this.#alarms.find(({ settings }) => settings.id === assetId);
    if (alarms !== undefined) alarms.sequence = Math.max(alarms.sequence, sequence);
  }

  counters(): { late: number; duplicates: number; forced: number } {
    const sum = { late: 0, duplicates: 0, forced: 0 };
    for (const { late, duplicates, forced } of this.#assembler.assets) {
      sum.late += late;
      sum.duplicates += duplicates;
      sum.forced += forced;
    }
    return sum;
  }

  /** Of a tag in the rows of an asset; -1 where it is not in them. */
  columnOf(asset: number, tag: string | undefined): number {
    return (this.#plan.alarms[asset] as AssetAlarmSettings).tags.indexOf(tag ?? '');
  }

  /** Grid and columns of an asset (position in the plan). */
  windowsOf(asset: number): AssetPlan {
    return this.#plan.windows[asset] as AssetPlan;
  }

  /** What can be learnt from an asset (position in the plan) so far. */
  seen(asset: number, context?: number): Seen {
    return (this.#seen[asset] as SeenRows).of(context);
  }

  /** Values of an asset's context (position in the plan) that have come. */
  contextsOf(asset: number): number[] {
    return (this.#seen[asset] as SeenRows).contexts;
  }

  modelChanged(asset: number, context?: number): void {
    this.#seen[asset]?.modelChanged(context);
  }

  save(): SavedPipeline {
    return {
      models: this.#models.map(({ name }) => name),
      windows: this.#assembler.save() as Record<string, SavedWindows>,
      alarms: Object.fromEntries(this.#alarms.map((asset) => [asset.settings.id, asset.save()])),
      detectors: this.#detection.save(),
      seen: Object.fromEntries(this.#plan.windows.map(({ id }, asset) => [id, (this.#seen[asset] as SeenRows).save()])),
    };
  }

  /** Returns the ids of assets that begin anew because their grid or tags changed. */
  restore(state: SavedPipeline): string[] {
    const anew = this.#assembler.restore(state.windows);
    for (const alarms of this.#alarms) {
      const own = state.alarms[alarms.settings.id];
      if (own !== undefined) alarms.restore(own);
    }
    this.#detection.restore(state.detectors ?? {});
    this.#plan.windows.forEach(({ id }, asset) => {
      this.#seen[asset]?.restore(state.seen?.[id]);
    });
    return anew;
  }

  #carryOut(event: Event, scored: readonly (ScoreBatch | undefined)[], output: PipelineOutput, failures: Map<ControlRow, unknown>): void {
    const alarms = this.#alarms[event.asset] as AssetAlarms;
    const plan = this.#plan.windows[event.asset] as AssetPlan;
    this.#current = plan.asset;
    switch (event.kind) {
      case 'row':
        alarms.row(event.row);
        this.#judgeRow(event.asset, event.row.endMs, output);
        return;
      case 'invalid':
        alarms.invalid(event.endMs, event.reason);
        return;
      case 'clock':
        alarms.clock(event.atMs);
        return;
      case 'command':
        try {
          alarms.command(event.row.command, event.row.atMs);
        } catch (error) {
          failures.set(event.row, error);
        }
        return;
      case 'window': {
        const scores = scored[event.batch];
        const value = scores?.value[event.index] ?? Number.NaN;
        if (scores === undefined || Number.isNaN(value)) {
          output.invalid({ asset: plan.asset, endMs: event.endMs, reason: 'scoringFailed', tag: undefined }, 1);
          alarms.invalid(event.endMs);
          return;
        }
        const { manifest, name, channels } = this.#models[event.batch] as BoundModel;
        const from = event.index * channels.length;
        const to = from + channels.length;
        const copy = this.#copyOf(scores);
        const score: Score = {
          asset: plan.id,
          model: name,
          windowEndMs: event.endMs,
          value,
          limit: manifest.limit,
          channels,
          contributions: copy.contributions.subarray(from, to),
          observed: copy.observed.subarray(from, to),
          expected: copy.expected.subarray(from, to),
        };
        output.score(score, plan.asset);
        alarms.score(event.endMs, value / manifest.limit, name, () => findingsOf(score, manifest, plan.modelColumns, alarms.settings));
        return;
      }
      default:
        event satisfies never;
    }
  }

  /** The verdict on the row the alarms have just seen. */
  #judgeRow(asset: number, rowEndMs: number, output: PipelineOutput): void {
    const said = this.#detection.next(asset);
    if (said === undefined) return;
    const alarms = this.#alarms[asset] as AssetAlarms;
    const plan = this.#plan.windows[asset] as AssetPlan;
    if ('newContext' in said) {
      output.invalid(
        {
          asset: plan.asset,
          endMs: rowEndMs,
          reason: alarms.resting ?? (Number.isNaN(said.newContext) ? 'missing' : 'newContext'),
          tag: undefined,
        },
        1,
      );
      alarms.newContext(rowEndMs, said.newContext);
      return;
    }
    const { verdict } = said;
    const { batch, columns } = said.plan;
    const { manifest, name, channels } = this.#models[batch] as BoundModel;
    if (verdict === 'held') {
      // Part of a wider row: time goes on, and the last verdict stands.
      alarms.invalid(rowEndMs);
      return;
    }
    const { endMs, none, ratio, alarm, rearmed } = verdict;
    if (none === 'repeated') {
      // The row says nothing new, and so does the verdict on it.
      alarms.held(endMs);
      return;
    }
    if (none !== undefined) {
      const reason = none === 'notRunning' ? (alarms.resting ?? 'stopped') : none;
      output.invalid({ asset: plan.asset, endMs, reason, tag: undefined }, 1);
      alarms.invalid(endMs, reason);
      return;
    }
    const { contributions, observed, expected } = verdict;
    const limit = verdict.score / ratio;
    const score: Score = {
      asset: plan.id,
      model: name,
      windowEndMs: endMs,
      value: verdict.score,
      limit,
      channels,
      contributions,
      observed,
      expected,
    };
    output.score(score, plan.asset);
    alarms.score(endMs, ratio, name, () => findingsOf(score, manifest, columns, alarms.settings), alarm, rearmed);
    if (verdict.slow !== undefined) alarms.slowChange(endMs, verdict.slow.ratio, channels[verdict.slow.channel] as string, name);
  }

  /** The scorer's arrays are its own until the next run: one copy a batch, which its scores share. */
  #copyOf(scores: ScoreBatch): Pick<ScoreBatch, 'contributions' | 'observed' | 'expected'> {
    if (this.#copied?.of !== scores) {
      const { contributions, observed, expected } = scores;
      this.#copied = { of: scores, contributions: contributions.slice(), observed: observed.slice(), expected: expected.slice() };
    }
    return this.#copied;
  }

  #rowListener(): RowListener {
    const position = (plan: AssetPlan): number => this.#position.get(plan.asset) as number;
    return {
      row: (row: Row) => {
        const asset = position(row.plan);
        this.#detection.feed(asset, row);
        if (this.#plan.learning[asset] === true) this.#seen[asset]?.count(row, this.#detection.contextOf(asset, row));
        const silent = row.states.some((state) => state >= 2);
        // An asset without supervised tags is told only what changes: who is silent, and whether it runs.
        const signature = silent ? row.states.map((state) => Number(state >= 2)).join('') + row.running : String(row.running);
        if (!this.#needsRows[asset] && signature === this.#rowSignatures[asset]) return;
        this.#rowSignatures[asset] = signature;
        const { endMs, running } = row;
        const copy = { endMs, running, values: row.values.slice(), states: row.states.slice(), qualities: row.qualities.slice() };
        this.#events.push({ kind: 'row', asset, row: copy });
      },
      window: (plan, endMs) => {
        const index = (this.#batches[plan.batch] as WindowBatchBuilder).count - 1;
        this.#events.push({ kind: 'window', asset: position(plan), batch: plan.batch, index, endMs });
      },
      invalid: (plan, endMs, reason, tag, windows) => {
        const hole: Hole = {
          asset: plan.asset,
          endMs,
          reason: invalidReasons[reason] ?? 'missing',
          tag,
          windows,
        };
        this.#holes.push(hole);
        this.#events.push({ kind: 'invalid', asset: position(plan), endMs, reason: hole.reason });
      },
    };
  }
}
