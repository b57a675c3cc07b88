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
}

/** What `save` gives, by asset id. */
export type SavedDetection = Readonly<
  Record<string, { readonly model: string; readonly state: SavedDetector; readonly grid?: SavedRowGrid }>
>;

/** What is said of a row of the asset's grid: a verdict where it completes a row of the detector's, or that the last one stands. */
export type RowVerdict = Verdict | 'held';

interface Tracked {
  readonly id: string;
  readonly plan: DetectorPlan;
  readonly model: string;
  readonly grid: RowGrid;
  readonly detector: AssetDetector;
  /** Rows of this tick, in order: whether they completed one of the detector's; and the verdicts on those. */
  readonly rows: boolean[];
  readonly verdicts: Verdict[];
}

/** The tracking detectors of the fold: rows go in while blocks are taken in, verdicts come out when the tick is settled. */
export class Detection {
  readonly #tracked: readonly (Tracked | undefined)[];

  /** By asset: undefined where windows are judged as they are, or not at all. */
  constructor(ids: readonly string[], plans: readonly (DetectorPlan | undefined)[], scorers: readonly Scorer[]) {
    this.#tracked = plans.map((plan, asset) => {
      const { manifest, detector } = scorers[plan?.batch ?? -1] ?? {};
      if (plan === undefined || manifest === undefined || detector === undefined) return undefined;
      const { rowsPerStep } = detector;
      const stepMs = rowsPerStep * manifest.stepMs;
      const wear = plan.wear && { ...plan.wear, overRows: plan.wear.overRows / rowsPerStep };
      return {
        id: ids[asset] as string,
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
      };
    });
  }

  planOf(asset: number): DetectorPlan | undefined {
    return this.#tracked[asset]?.plan;
  }

  /** From here on, how the asset runs is normal. */
  acceptAsNormal(asset: number): void {
    this.#tracked[asset]?.detector.acceptAsNormal();
  }

  /** The row's arrays are copied. */
  feed(asset: number, { endMs, values, states, running }: Row): void {
    const tracked = this.#tracked[asset];
    const whole = tracked?.grid.add({
      endMs,
      values: Float64Array.from(tracked.plan.columns, (column) => values[column] as number),
      bad: Uint8Array.from(tracked.plan.columns, (column) => Number(states[column] === cellState.bad)),
      running,
    });
    tracked?.rows.push(whole !== undefined);
    if (whole !== undefined) tracked?.detector.push(whole);
  }

  /** Rows up to the next point of decision of each detector in one run a model, until none is left. `batches` are empty before and after. */
  async settle(batches: readonly WindowBatchBuilder[], scoreAll: () => Promise<readonly (ScoreBatch | undefined)[]>): Promise<void> {
    let waiting = this.#tracked.flatMap((tracked, asset) => (tracked?.detector.hasRows ? [{ tracked, asset }] : []));
    while (waiting.length > 0) {
      for (const { tracked, asset } of waiting) tracked.detector.open(batches[tracked.plan.batch] as WindowBatchBuilder, asset);
      const scored = await scoreAll();
      for (const { tracked } of waiting) tracked.verdicts.push(...tracked.detector.settle(scored[tracked.plan.batch]));
      for (const batch of batches) batch.clear();
      waiting = waiting.filter(({ tracked }) => tracked.detector.hasRows);
    }
  }

  /** The verdict on the asset's next row. */
  next(asset: number): RowVerdict | undefined {
    const tracked = this.#tracked[asset];
    return tracked?.rows.shift() === false ? 'held' : tracked?.verdicts.shift();
  }

  /** The tick is over; what nobody asked for is gone. */
  clear(): void {
    for (const tracked of this.#tracked) {
      if (tracked === undefined) continue;
      tracked.rows.length = 0;
      tracked.verdicts.length = 0;
    }
  }

  save(): SavedDetection {
    return Object.fromEntries(
      this.#tracked.flatMap((tracked) =>
        tracked === undefined ? [] : [[tracked.id, { model: tracked.model, state: tracked.detector.save(), grid: tracked.grid.save() }]],
      ),
    );
  }

  /** Another model begins with what it learnt: the state of the last one means nothing to it. */
  restore(saved: SavedDetection): void {
    for (const tracked of this.#tracked) {
      const own = tracked === undefined ? undefined : saved[tracked.id];
      if (tracked === undefined || own?.model !== tracked.model) continue;
      tracked.detector.restore(own.state);
      if (own.grid !== undefined) tracked.grid.restore(own.grid);
    }
  }
}
