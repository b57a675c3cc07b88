import { type AlarmListener, type AlarmRow, AssetAlarms, type SavedAlarms } from '../alarms/asset-alarms.ts';
import type { AssetAlarmSettings } from '../alarms/settings.ts';
import type { AlarmTransition, AssetAlarmState, Finding } from '../core/alarm.ts';
import type { ControlRow } from '../core/control-row.ts';
import { type ModelManifest, modelName } from '../core/manifest.ts';
import type { SampleBlock } from '../core/sample-block.ts';
import type { Score, ScoreBatch, Scorer } from '../core/score.ts';
import { type InvalidWindow, invalidReasons, WindowBatchBuilder } from '../core/window.ts';
import { AssetDetector, type SavedDetector, type Verdict } from '../detector/asset-detector.ts';
import { WindowAssembler } from '../windows/assembler.ts';
import type { SavedWindows } from '../windows/asset-windows.ts';
import { type AssetPlan, cellState, type Row, type RowListener } from '../windows/plan.ts';

/** Everything the fold is made of: one entry an asset in `windows` and `alarms`, one scorer a model. */
export interface PipelinePlan {
  readonly windows: readonly AssetPlan[];
  readonly alarms: readonly AssetAlarmSettings[];
  /** `scorers[plan.batch]`. */
  readonly scorers: readonly Scorer[];
  /** By asset: the tracking detector that reads its rows; undefined where windows are judged as they are, or not at all. */
  readonly detectors: readonly (DetectorPlan | undefined)[];
}

export interface DetectorPlan {
  /** Index of its scorer. */
  readonly batch: number;
  /** For each channel of the model its column in the asset's rows. */
  readonly columns: readonly number[];
}

/** What comes out, in the order it was decided. Objects may be kept; they are made for the receiver. */
export interface PipelineOutput {
  score(score: Score, asset: number): void;
  /** `windows` is more than one where a whole hole is recorded at once. */
  invalid(window: InvalidWindow, windows: number): void;
  transition(transition: AlarmTransition, asset: number): void;
  scoringFailed(error: unknown, windows: number): void;
}

/** `windows` in a row that could not be judged, recorded as one. */
type Hole = InvalidWindow & { readonly windows: number };

interface BoundModel {
  readonly manifest: ModelManifest;
  readonly name: string;
  readonly channels: readonly string[];
}

type Event =
  | { readonly kind: 'row'; readonly asset: number; readonly row: AlarmRow }
  | { readonly kind: 'window'; readonly asset: number; readonly batch: number; readonly index: number; readonly endMs: number }
  | { readonly kind: 'invalid'; readonly asset: number; readonly endMs: number }
  | { readonly kind: 'clock'; readonly asset: number; readonly atMs: number }
  | { readonly kind: 'command'; readonly asset: number; readonly row: ControlRow & { kind: 'command' } };

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
  readonly #detectors: readonly (AssetDetector | undefined)[];
  /** By asset: verdicts on the rows of this tick, in order. */
  readonly #verdicts: Verdict[][];
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
    this.#detectors = plan.detectors.map((own) => {
      const { manifest, detector } = own === undefined ? {} : (plan.scorers[own.batch] as Scorer);
      return detector === undefined || manifest === undefined ? undefined : new AssetDetector(detector, manifest);
    });
    this.#verdicts = plan.windows.map(() => []);
    this.#needsRows = plan.alarms.map(
      ({ supervised, hasModel }, asset) => supervised.length > 0 || !hasModel || this.#detectors[asset] !== undefined,
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
        const lag = Math.max(0, ...row.lags.map(([, ms]) => ms));
        this.#events.push({ kind: 'clock', asset, atMs: row.atMs - lag });
      });
    } else if (row.kind === 'command') {
      const asset = this.#plan.alarms.findIndex(({ id }) => id === row.command.asset);
      if (asset >= 0) this.#events.push({ kind: 'command', asset, row });
    }
  }

  /** Scores what has formed and carries out what follows. Returns the commands that failed, with their errors. */
  async settle(output: PipelineOutput): Promise<ReadonlyMap<ControlRow, unknown>> {
    const scored = await this.#scoreAll(output);
    await this.#detect(output);
    this.#output = output;
    const failures = new Map<ControlRow, unknown>();
    try {
      for (const hole of this.#holes) output.invalid(hole, hole.windows);
      for (const event of this.#events) this.#carryOut(event, scored, output, failures);
    } finally {
      this.#output = undefined;
      this.#events = [];
      this.#holes = [];
      for (const verdicts of this.#verdicts) verdicts.length = 0;
      for (const batch of this.#batches) batch.clear();
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

  /** The rows of tracking detectors, up to the next point of decision of each in one run a model, until none is left. */
  async #detect(output: PipelineOutput): Promise<void> {
    const detecting = this.#detectors.flatMap((detector, asset) => (detector?.hasRows ? [{ detector, asset }] : []));
    // What static models scored is read already; the batches serve again.
    while (detecting.length > 0) {
      for (const batch of this.#batches) batch.clear();
      for (const { detector, asset } of detecting) {
        const { batch } = this.#plan.detectors[asset] as DetectorPlan;
        detector.open(this.#batches[batch] as WindowBatchBuilder, asset);
      }
      const scored = await this.#scoreAll(output);
      for (const { detector, asset } of detecting) {
        const verdicts = detector.settle(scored[(this.#plan.detectors[asset] as DetectorPlan).batch]);
        for (const verdict of verdicts) this.#verdicts[asset]?.push(verdict);
      }
      for (let i = detecting.length - 1; i >= 0; i--) if (!detecting[i]?.detector.hasRows) detecting.splice(i, 1);
    }
  }

  /** Documents of the assets whose state changed since the last call. */
  takeChanged(): AssetAlarmState[] {
    const documents = [...this.#changed].map((asset) => this.document(asset)).filter((document) => document !== undefined);
    this.#changed.clear();
    return documents;
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

  save(): Buffer {
    const alarms = Object.fromEntries(this.#alarms.map((asset) => [asset.settings.id, asset.save()]));
    const models = this.#models.map(({ name }) => name);
    const detectors = Object.fromEntries(
      this.#detectors.flatMap((detector, asset) => {
        const model = this.#models[this.#plan.detectors[asset]?.batch ?? -1]?.name;
        return detector === undefined || model === undefined ? [] : [[this.#plan.windows[asset]?.id, { model, state: detector.save() }]];
      }),
    );
    return Buffer.from(JSON.stringify({ version: 1, models, windows: this.#assembler.save(), alarms, detectors }));
  }

  /** Returns the ids of assets that begin anew because their grid or tags changed. */
  restore(saved: Uint8Array): string[] {
    const state = JSON.parse(Buffer.from(saved).toString()) as {
      windows: Record<string, SavedWindows>;
      alarms: Record<string, SavedAlarms>;
      detectors?: Record<string, { model: string; state: SavedDetector }>;
    };
    const anew = this.#assembler.restore(state.windows);
    for (const alarms of this.#alarms) {
      const own = state.alarms[alarms.settings.id];
      if (own !== undefined) alarms.restore(own);
    }
    this.#detectors.forEach((detector, asset) => {
      const own = state.detectors?.[this.#plan.windows[asset]?.id ?? ''];
      // Another model begins with what it learnt: the state of the last one means nothing to it.
      if (own !== undefined && own.model === this.#models[this.#plan.detectors[asset]?.batch ?? -1]?.name) detector?.restore(own.state);
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
        if (this.#detectors[event.asset] !== undefined) this.#judgeRow(event.asset, output);
        return;
      case 'invalid':
        alarms.invalid(event.endMs);
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
  #judgeRow(asset: number, output: PipelineOutput): void {
    const verdict = this.#verdicts[asset]?.shift();
    if (verdict === undefined) return;
    const alarms = this.#alarms[asset] as AssetAlarms;
    const plan = this.#plan.windows[asset] as AssetPlan;
    const { batch, columns } = this.#plan.detectors[asset] as DetectorPlan;
    const { manifest, name, channels } = this.#models[batch] as BoundModel;
    const { endMs, none, ratio, alarm } = verdict;
    if (none === 'repeated') {
      // The row says nothing new, and so does the verdict on it.
      alarms.held(endMs);
      return;
    }
    if (none !== undefined) {
      const reason = none === 'notRunning' ? 'stopped' : none;
      output.invalid({ asset: plan.asset, endMs, reason, tag: undefined }, 1);
      alarms.invalid(endMs);
      return;
    }
    const { contributions, observed, expected } = verdict;
    const limit = verdict.score / ratio;
    const score: Score = { asset: plan.id, model: name, windowEndMs: endMs, value: verdict.score, limit, channels, contributions, observed, expected };
    output.score(score, plan.asset);
    alarms.score(endMs, ratio, name, () => findingsOf(score, manifest, columns, alarms.settings), alarm);
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

  #feed(asset: number, { endMs, values, states, running }: Row): void {
    const plan = this.#plan.detectors[asset];
    if (plan === undefined) return;
    this.#detectors[asset]?.push({
      endMs,
      values: Float64Array.from(plan.columns, (column) => values[column] as number),
      bad: Uint8Array.from(plan.columns, (column) => Number(states[column] === cellState.bad)),
      running,
    });
  }

  #rowListener(): RowListener {
    const position = (plan: AssetPlan): number => this.#position.get(plan.asset) as number;
    return {
      row: (row: Row) => {
        const asset = position(row.plan);
        this.#feed(asset, row);
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
        this.#events.push({ kind: 'invalid', asset: position(plan), endMs });
      },
    };
  }
}

/** The channels by their part in the score, with what the model would have had: ± 3 deviations of its residual while learning. */
function findingsOf(score: Score, manifest: ModelManifest, columns: readonly number[], settings: AssetAlarmSettings): Finding[] {
  const total = score.contributions.reduce((sum, part) => sum + part, 0);
  const findings = manifest.channels.map(({ residualDeviation, engineeringUnit }, channel): Finding => {
    const column = columns[channel] as number;
    const expected = score.expected[channel] as number;
    const band = 3 * residualDeviation;
    return {
      tag: settings.tags[column] as string,
      value: score.observed[channel] as number,
      expected: [expected - band, expected + band],
      engineeringUnit: settings.units[column] ?? engineeringUnit ?? null,
      share: total > 0 ? (score.contributions[channel] as number) / total : null,
    };
  });
  return findings.sort((a, b) => (b.share ?? 0) - (a.share ?? 0)).slice(0, 5);
}
