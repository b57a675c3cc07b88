import { FettleError } from '../core/errors.ts';
import { SampleBlockBuilder } from '../core/sample-block.ts';
import { rowOfSample } from '../core/sent-sample.ts';
import { type InvalidReason, invalidReasons, WindowBatchBuilder } from '../core/window.ts';
import { WindowAssembler } from '../windows/assembler.ts';
import type { AssetPlan } from '../windows/plan.ts';
import type { FlowSample } from './message-samples.ts';
import { planFlow, usable } from './plan-flow.ts';

export interface FlowWindowsOptions {
  /** Name of the machine, as in `line1/pump3`. */
  readonly asset: string;
  /** Names of the values, in the order of the columns. */
  readonly values: readonly string[];
  /** Step of the grid, as in `1s`. */
  readonly step: string;
  /** Steps in a window, and between two. */
  readonly length: number;
  readonly slide: number;
  /** How late a sample may come, as in `2s`. */
  readonly lateness?: string;
}

/** A window of a machine, ready to be scored. */
export interface FlowWindow {
  readonly asset: string;
  /** Tags, in the order of the columns. */
  readonly channels: readonly string[];
  readonly stepMs: number;
  /** End (exclusive), ms since the epoch. */
  readonly endMs: number;
  /** `[length, channels]`, row-major, engineering units. */
  readonly values: Float32Array;
}

/** A window that cannot be judged, and why. */
export interface FlowInvalidWindow {
  readonly asset: string;
  readonly endMs: number;
  readonly reason: InvalidReason;
  readonly tag: string | null;
  /** How many windows: a hole is said once. */
  readonly windows: number;
}

export interface FormedWindows {
  readonly windows: readonly FlowWindow[];
  readonly invalid: readonly FlowInvalidWindow[];
  /** Values that are not watched, the first few. */
  readonly ignored: readonly string[];
}

const maxSkewMs = 5 * 60_000;
const ignoredKept = 20;

/** Samples → windows on event time, as the gateway forms them: the same samples give the same windows, however they are cut into messages. */
export class FlowWindows {
  readonly #asset: string;
  readonly #tags: readonly string[];
  readonly #index: ReadonlyMap<string, number>;
  readonly #plan: AssetPlan;
  readonly #assembler: WindowAssembler;
  readonly #batch: WindowBatchBuilder;
  readonly #block = new SampleBlockBuilder();
  #invalid: FlowInvalidWindow[] = [];

  /** Throws FETTLE_CONFIG_INVALID with everything that is wrong. */
  constructor({ asset, values, step, length, slide, lateness = '2s' }: FlowWindowsOptions) {
    const { plan, names, tags } = planFlow({ asset, values, window: { step, length, slide, allowedLateness: lateness } });
    this.#asset = asset;
    this.#tags = tags;
    this.#index = new Map(values.map((value, i) => [value, names.tag.intern(tags[i] as string)]));
    this.#plan = { ...(plan.windows[0] as AssetPlan), batch: 0, modelColumns: tags.map((_, column) => column) };
    this.#batch = new WindowBatchBuilder(this.#plan.length, tags.length);
    this.#assembler = new WindowAssembler([this.#plan], [this.#batch], {
      row: () => {},
      window: () => {},
      invalid: (_plan, endMs, reason, tag, windows) => {
        const said = tag === undefined ? null : names.tag.nameOf(tag);
        this.#invalid.push({ asset, endMs, reason: invalidReasons[reason] as InvalidReason, tag: said, windows });
      },
    });
  }

  /** Late and repeated samples so far: they change nothing any more. */
  get counters(): { readonly late: number; readonly duplicates: number } {
    const { late, duplicates } = this.#assembler.assets[0] as WindowAssembler['assets'][0];
    return { late, duplicates };
  }

  /** What these samples complete. Throws FETTLE_API_REQUEST where none of them is one of the machine's values. */
  push(samples: readonly FlowSample[], arrivalMs = Date.now()): FormedWindows {
    const ignored = new Set<string>();
    this.#block.clear();
    for (const sample of samples) {
      // By the name in the message, or already as the machine's tag.
      const index =
        this.#index.get(sample.tag) ??
        this.#index.get(sample.tag.slice(this.#asset.length + 1)) ??
        // A model names its values as tags do.
        this.#index.get(usable(sample.tag));
      const [timeMs, value, quality] = rowOfSample(sample, arrivalMs, maxSkewMs);
      if (index === undefined || Number.isNaN(timeMs)) {
        if (ignored.size < ignoredKept) ignored.add(sample.tag);
      } else this.#block.append(index, timeMs, value, quality);
    }
    if (this.#block.length === 0 && samples.length > 0)
      throw new FettleError('FETTLE_API_REQUEST', `${this.#asset}: none of the values is watched: ${[...ignored].join(', ')}`, {
        hint: `it has ${this.#tags.join(', ')}`,
      });
    this.#assembler.block(this.#block);
    const { length, channels, count, values, endMs } = this.#batch;
    const size = length * channels;
    const windows = Array.from({ length: count }, (_, i): FlowWindow => {
      const own = values.slice(i * size, (i + 1) * size);
      return { asset: this.#asset, channels: this.#tags, stepMs: this.#plan.stepMs, endMs: endMs[i] as number, values: own };
    });
    const invalid = this.#invalid;
    this.#invalid = [];
    this.#batch.clear();
    return { windows, invalid, ignored: [...ignored] };
  }
}
