import { type ControlRow, maintenanceMs } from '../core/control-row.ts';
import { quality } from '../core/quality.ts';
import type { SampleBlock } from '../core/sample-block.ts';
import type { WindowBatchBuilder } from '../core/window.ts';
import { AssetWindows, type SavedWindows } from './asset-windows.ts';
import type { AssetPlan, RowListener } from './plan.ts';

/** Routes samples to the assets that watch them. A pure fold: no clock, no input but blocks and control rows. */
export class WindowAssembler {
  readonly assets: readonly AssetWindows[];
  /** By tag index: the assets and columns that take it, flat pairs [asset, column, asset, column, …]. */
  readonly #routes: (Int32Array | undefined)[] = [];

  /** `batches[plan.batch]` receives the windows of that model. */
  constructor(plans: readonly AssetPlan[], batches: readonly WindowBatchBuilder[], listener: RowListener) {
    this.assets = plans.map((plan) => new AssetWindows(plan, listener, batches[plan.batch]));
    const pairs = new Map<number, number[]>();
    plans.forEach((plan, asset) => {
      plan.columns.forEach(({ tag }, column) => {
        const known = pairs.get(tag);
        if (known === undefined) pairs.set(tag, [asset, column]);
        else known.push(asset, column);
      });
    });
    for (const [tag, flat] of pairs) this.#routes[tag] = Int32Array.from(flat);
  }

  block(block: SampleBlock): void {
    const { tag, timeMs, value, quality: qualities, length } = block;
    const assets = this.assets;
    for (let i = 0; i < length; i++) {
      const route = this.#routes[tag[i] as number];
      if (route === undefined) continue;
      const code = qualities[i] as number;
      // Kept in the history, but its time says nothing about the plant's.
      if (code === quality.badClockSkew) continue;
      for (let r = 0; r < route.length; r += 2) {
        (assets[route[r] as number] as AssetWindows).add(route[r + 1] as number, timeMs[i] as number, value[i] as number, code);
      }
    }
  }

  control(row: ControlRow): void {
    if (row.kind === 'idle') {
      for (const asset of this.assets) for (const source of row.sources) asset.idle(source);
    } else if (row.kind === 'clock') {
      const lags = new Map(row.lags);
      for (const asset of this.assets) asset.clock(row.atMs, lags);
    } else if (row.kind === 'command') {
      const asset = this.assets.find(({ plan }) => plan.id === row.command.asset);
      if (row.command.verb === 'maintenanceStart') asset?.maintenance(row.atMs + (row.command.forMs ?? maintenanceMs));
      else if (row.command.verb === 'maintenanceEnd') asset?.maintenance(null);
    }
  }

  save(): Record<string, object> {
    return Object.fromEntries(this.assets.map((asset) => [asset.plan.id, asset.save()]));
  }

  /** Assets whose grid or tags changed begin anew; their ids are returned. */
  restore(saved: Record<string, SavedWindows>): string[] {
    const anew: string[] = [];
    for (const asset of this.assets) {
      const state = saved[asset.plan.id];
      if (state === undefined || !asset.restore(state)) anew.push(asset.plan.id);
    }
    return anew;
  }
}
