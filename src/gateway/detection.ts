import { modelName } from '../core/manifest.ts';
import type { ScoreBatch, Scorer } from '../core/score.ts';
import type { WindowBatchBuilder } from '../core/window.ts';
import { AssetDetector, type SavedDetector, type Verdict } from '../detector/asset-detector.ts';
import { RowGrid, type SavedRowGrid } from '../detector/row-grid.ts';
import type { WearLimit } from '../detector/wear.ts';
import { cellState, type Row } from '../windows/plan.ts';

/** A tracking detector of an asset. */
export interface DetectorPlan {
  /** Index of its scorer. */
  readonly batch: number;
  /** For each channel of the model its column in the asset's rows. */
  readonly columns: readonly number[];
  /** Of `detector.drift`. */
  readonly wear?: WearLimit;
  /** It judges rows with this value of the asset's context alone. */
  readonly context?: number;
}

/** The detectors that read an asset's rows. */
export interface DetectorsPlan {
  readonly detectors: readonly DetectorPlan[];
  /** Column of the asset's context, where it has one. */
  readonly contextColumn?: number;
}

/** What `save` gives, by asset id, and context where there is one. */
export type SavedDetection = Readonly<
  Record<string, { readonly model: string; readonly state: SavedDetector; readonly grid?: SavedRowGrid }>
>;

/** What is said of a row of the asset's grid: a verdict where it completes a row of the detector's, that the last one stands, or that nobody knows its context (NaN: nor which it is). */
export type RowVerdict = { readonly plan: DetectorPlan; readonly verdict: Verdict | 'held' } | { readonly newContext: number };

interface Tracked {
  /** Key of its state. */
  readonly key: string;
  readonly plan: DetectorPlan;
  readonly model: string;
  readonly grid: RowGrid;
  readonly detector: AssetDetector;
  /** Rows of this tick, in order: whether they completed one of the detector's; and the verdicts on those. */
  readonly rows: boolean[];
  readonly verdicts: Verdict[];
}

interface TrackedAsset {
  readonly contextColumn: number | undefined;
  readonly detectors: readonly Tracked[];
  /** Of the rows of this tick, where the asset has one. */
  readonly contexts: number[];
}

/** The tracking detectors of the fold: rows go in while blocks are taken in, verdicts come out when the tick is settled. */
export class Detection {
  readonly #assets: readonly TrackedAsset[];
  readonly #all: readonly { readonly tracked: Tracked; readonly asset: number }[];

  /** By asset; without detectors where windows are judged as they are, or not at all. */
  constructor(ids: readonly string[], plans: readonly DetectorsPlan[], scorers: readonly Scorer[]) {
    this.#assets = plans.map(({ detectors, contextColumn }, asset) => ({
      contextColumn,
      detectors: detectors.flatMap((plan) => trackedOf(ids[asset] as string, plan, scorers[plan.batch])),
      contexts: [],
    }));
    this.#all = this.#assets.flatMap(({ detectors }, asset) => detectors.map((tracked) => ({ tracked, asset })));
  }

  /** Whether it wants the asset's rows. */
  reads(asset: number): boolean {
    const { detectors, contextColumn } = this.#assets[asset] as TrackedAsset;
    return detectors.length > 0 || contextColumn !== undefined;
  }

  /** From here on, how the asset runs is normal. */
  acceptAsNormal(asset: number): void {
    for (const { detector } of (this.#assets[asset] as TrackedAsset).detectors) detector.acceptAsNormal();
  }

  /** The sensor in this column of the asset's rows is a new one. */
  replaced(asset: number, column: number): void {
    for (const { plan, detector } of (this.#assets[asset] as TrackedAsset).detectors) {
      const channel = plan.columns.indexOf(column);
      if (channel >= 0) detector.replaced(channel);
    }
  }

  /** What the asset makes in a row: undefined where it has no context, NaN where it is not known. */
  contextOf(asset: number, { values, states }: Row): number | undefined {
    const { contextColumn } = this.#assets[asset] as TrackedAsset;
    if (contextColumn === undefined) return undefined;
    return (states[contextColumn] as number) < cellState.missing ? (values[contextColumn] as number) : Number.NaN;
  }

  /** The row's arrays are copied. */
  feed(asset: number, row: Row): void {
    const { endMs, values, states, running } = row;
    const { detectors, contexts } = this.#assets[asset] as TrackedAsset;
    const context = this.contextOf(asset, row);
    if (context !== undefined) contexts.push(context);
    for (const { plan, grid, rows, detector } of detectors) {
      const whole = grid.add({
        endMs,
        values: Float64Array.from(plan.columns, (column) => values[column] as number),
        bad: Uint8Array.from(plan.columns, (column) => Number(states[column] === cellState.bad)),
        // What is made under another context says nothing to this one.
        running: running && plan.context === context,
      });
      rows.push(whole !== undefined);
      if (whole !== undefined) detector.push(whole);
    }
  }

  /** Rows up to the next point of decision of each detector in one run a model, until none is left. `batches` are empty before and after. */
  async settle(batches: readonly WindowBatchBuilder[], scoreAll: () => Promise<readonly (ScoreBatch | undefined)[]>): Promise<void> {
    let waiting = this.#all.filter(({ tracked }) => tracked.detector.hasRows);
    while (waiting.length > 0) {
      for (const { tracked, asset } of waiting) tracked.detector.open(batches[tracked.plan.batch] as WindowBatchBuilder, asset);
      const scored = await scoreAll();
      for (const { tracked } of waiting) tracked.verdicts.push(...tracked.detector.settle(scored[tracked.plan.batch]));
      for (const batch of batches) batch.clear();
      waiting = waiting.filter(({ tracked }) => tracked.detector.hasRows);
    }
  }

  /** What is said of the asset's next row. */
  next(asset: number): RowVerdict | undefined {
    const { detectors, contextColumn, contexts } = this.#assets[asset] as TrackedAsset;
    const context = contextColumn === undefined ? undefined : contexts.shift();
    let said: RowVerdict | undefined;
    for (const { plan, rows, verdicts } of detectors) {
      const verdict = rows.shift() === false ? 'held' : verdicts.shift();
      if (verdict !== undefined && plan.context === context) said = { plan, verdict };
    }
    return said ?? (context === undefined ? undefined : { newContext: context });
  }

  /** The tick is over; what nobody asked for is gone. */
  clear(): void {
    for (const { contexts } of this.#assets) contexts.length = 0;
    for (const { tracked } of this.#all) {
      tracked.rows.length = 0;
      tracked.verdicts.length = 0;
    }
  }

  save(): SavedDetection {
    return Object.fromEntries(
      this.#all.map(({ tracked: { key, model, detector, grid } }) => [key, { model, state: detector.save(), grid: grid.save() }]),
    );
  }

  /** Another model begins with what it learnt: the state of the last one means nothing to it. */
  restore(saved: SavedDetection): void {
    for (const { tracked } of this.#all) {
      const own = saved[tracked.key];
      if (own?.model !== tracked.model) continue;
      tracked.detector.restore(own.state);
      if (own.grid !== undefined) tracked.grid.restore(own.grid);
    }
  }
}

function trackedOf(id: string, plan: DetectorPlan, scorer: Scorer | undefined): Tracked[] {
  const { manifest, detector } = scorer ?? {};
  if (manifest === undefined || detector === undefined) return [];
  const { rowsPerStep } = detector;
  const stepMs = rowsPerStep * manifest.stepMs;
  const wear = plan.wear && { ...plan.wear, overRows: plan.wear.overRows / rowsPerStep };
  return [
    {
      key: plan.context === undefined ? id : `${id}@${plan.context}`,
      plan,
      model: modelName(manifest),
      grid: new RowGrid(
        detector.channels.map(({ held }) => held),
        rowsPerStep,
        manifest.stepMs,
      ),
      detector: new AssetDetector(detector, { stepMs, length: manifest.length, limit: manifest.limit }, wear),
      rows: [],
      verdicts: [],
    },
  ];
}
