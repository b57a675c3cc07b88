import type { DetectorParameters } from '../core/detector.ts';
import type { ScoreBatch } from '../core/score.ts';
import type { WindowBatchBuilder } from '../core/window.ts';
import { Baseline, type SavedBaseline } from './baseline.ts';
import { ChannelWatch, mostAlone, type SavedWatch } from './channel-watch.ts';
import { Decision, type SavedDecision } from './decision.ts';
import { RunningMedian, scoreOf } from './limit.ts';
import { limitWithout } from './masked-limits.ts';
import { RowWindow, type SavedWindow } from './row-window.ts';
import { type SavedOffsets, SensorOffsets } from './sensor-offsets.ts';
import { type SavedSlow, SlowChange, type SlowVerdict } from './slow-change.ts';
import { type SavedWear, Wear, type WearLimit } from './wear.ts';

/** A row of the grid in the model's channels, engineering units; NaN where a channel has nothing usable. */
export interface DetectorRow {
  readonly endMs: number;
  readonly values: Float64Array;
  /** 1: the newest sample of the channel is bad, so its last value must not stand in for it. */
  readonly bad: Uint8Array;
  /** False while the machine stands still or settles: such rows are neither judged nor learnt from. */
  readonly running: boolean;
}

/** What the detector says of one row. */
export interface Verdict {
  readonly endMs: number;
  /** Why there is none; undefined where there is one. */
  readonly none: 'filling' | 'notRunning' | 'tooFewChannels' | 'repeated' | 'scoringFailed' | undefined;
  /** Score over limit. NaN without a verdict. */
  readonly ratio: number;
  /** Running median of the score, and the limit it stands against. */
  readonly score: number;
  readonly alarm: boolean;
  /** The alarm has stood so long that the baseline follows again. */
  readonly rearmed: boolean;
  /** Ratio above 1: it may become an alarm. */
  readonly warning: boolean;
  readonly slow: SlowVerdict | undefined;
  /** Channels out of the model. */
  readonly masked: Uint8Array;
  /** Row in the batch that scored it; -1 without. */
  readonly index: number;
  /** By channel: part in the score, what was observed and what the model expected, engineering units. Empty without a verdict. */
  readonly contributions: Float32Array;
  readonly observed: Float32Array;
  readonly expected: Float32Array;
}

interface Open {
  readonly row: DetectorRow;
  readonly none: Verdict['none'];
  readonly index: number;
  readonly frozen: boolean;
  /** The window began anew with it, or just before. */
  readonly anew: boolean;
  readonly masked: Uint8Array;
  readonly slow: SlowVerdict | undefined;
  /** To put what the model says back on the scale of the plant. */
  readonly level: Float64Array;
  readonly scale: Float64Array;
}

const newNormal = Symbol('how it runs now is normal');

/** What a person said between two rows. */
type Said = typeof newNormal | { readonly replaced: number };
const empty = new Float32Array();
/** A row that came again this many times more often than any while learning is a dead logger, not a calm machine. */
const repeatsAllowed = (longest: number): number => Math.max(10, 3 * longest);

/**
 * The detector of one asset: rows → drift-corrected windows for the model, and the model's scores → verdicts. A fold over rows; it reads no clock.
 *
 * Decisions act on the baseline only from the next multiple of `decisionRows` on (event time), so up to that many windows go to the model together and
 * the result does not depend on how many there are at a time. Use: `push` rows, then `open` until it returns 0, each time with a run of the model and
 * `settle`.
 */
export class AssetDetector {
  readonly parameters: DetectorParameters;
  readonly #stepMs: number;
  readonly #length: number;
  readonly #limit: number;
  readonly #baseline: Baseline;
  readonly #watch: ChannelWatch;
  readonly #sensors: SensorOffsets;
  readonly #decision: Decision;
  readonly #median: RunningMedian;
  readonly #slow: SlowChange;
  readonly #wear: Wear | undefined;
  readonly #window: RowWindow;
  #anew = false;
  #repeated = 0;
  #lastMs = Number.NaN;
  #block = Number.NaN;
  /** Whether the baseline stands still in this block of rows. */
  #frozen = false;
  #inAlarm = false;
  #queue: (DetectorRow | Said)[] = [];
  #open: Open[] = [];

  constructor(
    parameters: DetectorParameters,
    model: { readonly stepMs: number; readonly length: number; readonly limit: number },
    wear?: WearLimit,
  ) {
    this.parameters = parameters;
    this.#stepMs = model.stepMs;
    this.#length = model.length;
    this.#limit = model.limit;
    this.#baseline = new Baseline(parameters);
    this.#watch = new ChannelWatch(parameters, model.length);
    this.#decision = new Decision(parameters);
    this.#median = new RunningMedian(parameters.median);
    this.#slow = new SlowChange(parameters);
    this.#wear = wear === undefined ? undefined : new Wear(parameters, wear);
    this.#window = new RowWindow(model.length, parameters.channels.length);
    this.#sensors = new SensorOffsets(parameters.channels.length);
  }

  /** The arrays are kept. */
  push(row: DetectorRow): void {
    this.#queue.push(row);
  }

  /** A person says that how the machine runs from here on is normal: references and baseline begin here, in order with the rows. */
  acceptAsNormal(): void {
    this.#queue.push(newNormal);
  }

  /** A channel has a new sensor from here on: its level is measured anew, everything else goes on. */
  replaced(channel: number): void {
    this.#queue.push({ replaced: channel });
  }

  get hasRows(): boolean {
    return this.#queue.length > 0;
  }

  /** Takes rows up to the next point where a decision may act; returns how many were taken. Their windows are in the batch. */
  open(batch: WindowBatchBuilder, asset: number): number {
    let taken = 0;
    for (const row of this.#queue) {
      if (row === newNormal || 'replaced' in row) {
        if (this.#open.length > 0) break;
        if (row === newNormal) this.#begin();
        else this.#sensors.replaced(row.replaced, this.#levelOf(row.replaced));
        taken++;
        continue;
      }
      const block = Math.floor(Math.round(row.endMs / this.#stepMs - 1) / this.parameters.decisionRows);
      if (block !== this.#block) {
        if (this.#open.length > 0) break;
        this.#block = block;
        this.#frozen = this.#decision.freezes;
        this.#inAlarm = this.#decision.alarm;
      }
      this.#open.push(this.#take(row, batch, asset));
      taken++;
    }
    this.#queue.splice(0, taken);
    return taken;
  }

  /** Verdicts of the rows `open` took, in order. `scores`: undefined when the model failed. */
  settle(scores: ScoreBatch | undefined): Verdict[] {
    const verdicts = this.#open.map((open) => this.#verdict(open, scores));
    this.#open = [];
    return verdicts;
  }

  #take(row: DetectorRow, batch: WindowBatchBuilder, asset: number): Open {
    const channels = this.parameters.channels.length;
    this.#anew = false;
    const gapRows = Number.isNaN(this.#lastMs) ? 0 : Math.round((row.endMs - this.#lastMs) / this.#stepMs) - 1;
    this.#lastMs = row.endMs;
    if (gapRows > 0) {
      this.#baseline.forget(gapRows, this.parameters.halfLives.baseline);
      this.#watch.missed(gapRows);
      if (gapRows > this.#length) this.#empty();
    }
    const done = (none: Verdict['none'], index = -1, slow?: SlowVerdict): Open => ({
      row,
      none,
      index,
      slow,
      frozen: this.#frozen,
      anew: this.#anew,
      masked: this.#watch.masked.slice(),
      level: this.#baseline.level.slice(),
      scale: this.#baseline.scale.slice(),
    });
    if (!row.running) {
      this.#empty();
      // Judged anew, then: a baseline that stands still in an alarm would never be found.
      if (this.#baseline.rest()) this.#calm();
      return done('notRunning');
    }
    if (this.#watch.repeats(row.values, this.#sensors)) {
      this.#repeated++;
      return done('repeated');
    }
    this.#repeated = 0;
    const usable = new Float64Array(channels);
    const others = row.values.some(Number.isFinite);
    // A long row of last values, and then another one, would look like a step.
    if (others && this.#watch.hole > mostAlone) this.#empty();
    for (let c = 0; c < channels; c++) {
      const measured = this.#sensors.measures(c);
      const shown = this.#sensors.read(c, row.values[c] as number);
      const { value, own } = this.#watch.read(c, shown, row.bad[c] === 1 || measured, others, this.#inAlarm);
      usable[c] = value;
      this.#window.set(c, this.#baseline.correct(c, value, own), value);
    }
    this.#window.next();
    // A fault that is told of must not be told of once more, when it is over, as what changed slowly.
    const slow = this.#frozen ? undefined : worse(this.#slow.row(usable), this.#wear?.row(usable));
    const out = this.#watch.masked.reduce((sum, masked) => sum + masked, 0);
    let index = -1;
    let none: Verdict['none'] = 'filling';
    if (out * 2 > channels) none = 'tooFewChannels';
    else if (this.#window.isFull && this.#baseline.isSettled) {
      none = undefined;
      index = batch.count;
      this.#window.copyTo(batch, batch.open(asset, row.endMs));
    }
    const opened = done(none, index, slow);
    const { isSettled } = this.#baseline;
    if (none !== 'tooFewChannels') this.#baseline.adapt(this.#frozen);
    if (this.#baseline.isSettled && !isSettled) this.#window.correctAnew(this.#baseline);
    return opened;
  }

  #verdict(open: Open, scores: ScoreBatch | undefined): Verdict {
    const { row, masked, slow, index } = open;
    // In its turn: scores of the rows before it may only have come now.
    if (open.anew) this.#median.clear();
    const failed = scores === undefined || Number.isNaN(scores.value[index] ?? 0);
    const none = open.none ?? (failed ? 'scoringFailed' : undefined);
    const verdict = {
      endMs: row.endMs,
      none,
      ratio: Number.NaN,
      score: Number.NaN,
      alarm: this.#decision.alarm,
      rearmed: this.#decision.rearmed,
      warning: false,
      slow,
      masked,
      index,
      contributions: empty,
      observed: empty,
      expected: empty,
    };
    if (none !== undefined || scores === undefined) return verdict;
    const channels = this.parameters.channels.length;
    const partial = masked.includes(1);
    const { limit, level } = partial
      ? limitWithout(this.parameters, this.#limit, masked)
      : { limit: this.#limit, level: this.parameters.level };
    const shape = { ...this.parameters.calibration, channels, length: this.#length };
    // Joined here, from the parts: the runtime's own logarithm rounds by where in a batch a row lies, and a batch must never change a result.
    const raw =
      scores.parts === undefined
        ? (scores.value[index] as number)
        : scoreOf(scores.parts, index * shape.members * channels, shape, partial ? masked : undefined);
    const score = this.#median.add(raw);
    const { ratio, alarm } = this.#decision.judge(score, { limit, level, partial }, open.frozen);
    const from = index * channels;
    const contributions = scores.contributions.slice(from, from + channels);
    masked.forEach((out, c) => {
      if (out === 1) contributions[c] = 0;
    });
    const inPlant = (values: Float32Array): Float32Array =>
      values.slice(from, from + channels).map((value, c) => this.#restored(open, c, value));
    return {
      ...verdict,
      ratio,
      score,
      alarm,
      rearmed: this.#decision.rearmed,
      warning: ratio > 1,
      contributions,
      observed: inPlant(scores.observed),
      expected: inPlant(scores.expected),
    };
  }

  /** A value as the model has it → as the plant had it when the window was made. */
  #restored({ level, scale }: Open, c: number, corrected: number): number {
    const { mean, deviation, residualMean } = this.parameters.channels[c] as DetectorParameters['channels'][number];
    const residual = residualMean + ((corrected - mean) / deviation - residualMean) * Math.sqrt(scale[c] as number);
    return this.#sensors.shown(c, mean + deviation * (residual + (level[c] as number)));
  }

  /** Where a channel stands now, engineering units. */
  #levelOf(c: number): number {
    const { mean, deviation, residualMean } = this.parameters.channels[c] as DetectorParameters['channels'][number];
    return mean + deviation * (residualMean + (this.#baseline.level[c] as number));
  }

  #begin(): void {
    this.#baseline.rebase();
    this.#slow.rebase();
    this.#wear?.rebase();
    this.#calm();
    this.#empty();
    this.#median.clear();
  }

  /** Nothing is held against the machine. */
  #calm(): void {
    this.#decision.rest();
    this.#frozen = false;
    this.#inAlarm = false;
  }

  /** The window begins anew: what is in it does not belong to what comes. */
  #empty(): void {
    this.#window.empty();
    this.#anew = true;
  }

  /** Rows in a row that said nothing new, more than a live machine would send. */
  get silent(): boolean {
    return this.#repeated > repeatsAllowed(this.parameters.longestRepeat);
  }

  /** Channels that stand on one value, by index. */
  frozenChannels(): number[] {
    return this.#watch.frozen();
  }

  save(): SavedDetector {
    const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
    return {
      channels: this.parameters.channels.length,
      length: this.#length,
      baseline: this.#baseline.save(),
      watch: this.#watch.save(),
      sensors: this.#sensors.save(),
      decision: this.#decision.save(),
      median: this.#median.save(),
      slow: this.#slow.save(),
      wear: this.#wear?.save() ?? null,
      ...this.#window.save(),
      repeated: this.#repeated,
      lastMs: finite(this.#lastMs),
      block: finite(this.#block),
      frozen: this.#frozen,
      inAlarm: this.#inAlarm,
    };
  }

  /** Returns false, and stays as new, when the state is that of another model. */
  restore(saved: SavedDetector): boolean {
    if (saved.channels !== this.parameters.channels.length || saved.length !== this.#length) return false;
    this.#baseline.restoreState(saved.baseline);
    this.#watch.restore(saved.watch);
    if (saved.sensors !== undefined) this.#sensors.restore(saved.sensors);
    this.#decision.restore(saved.decision);
    this.#median.restore(saved.median);
    this.#slow.restore(saved.slow);
    if (saved.wear != null) this.#wear?.restore(saved.wear);
    this.#window.restore(saved);
    this.#repeated = saved.repeated;
    this.#lastMs = saved.lastMs ?? Number.NaN;
    this.#block = saved.block ?? Number.NaN;
    this.#frozen = saved.frozen;
    this.#inAlarm = saved.inAlarm;
    return true;
  }
}

const worse = (a: SlowVerdict | undefined, b: SlowVerdict | undefined): SlowVerdict | undefined =>
  a === undefined || (b !== undefined && b.ratio > a.ratio) ? b : a;

export interface SavedDetector extends SavedWindow {
  readonly channels: number;
  readonly length: number;
  readonly baseline: SavedBaseline;
  readonly watch: SavedWatch;
  readonly sensors?: SavedOffsets;
  readonly decision: SavedDecision;
  readonly median: number[];
  readonly slow: SavedSlow;
  readonly wear?: SavedWear | null;
  readonly repeated: number;
  readonly lastMs: number | null;
  readonly block: number | null;
  readonly frozen: boolean;
  readonly inAlarm: boolean;
}
