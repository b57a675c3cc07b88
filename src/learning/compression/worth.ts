import { runGraph, type Windows } from '../run-graph.ts';
import { thinned } from '../split.ts';
import type { LearningSet, LearntModel } from '../tracking/learn.ts';
import { measureGraph, type WindowCost } from './measure-graph.ts';
import { areaUnderCurve, rankCorrelation } from './rank-statistics.ts';

/** What a model costs and what it is worth beside the float ensemble, measured on this machine. */
export interface Worth {
  /** Of the ONNX file. */
  readonly bytes: number;
  readonly cost: WindowCost;
  /** Spearman's correlation of the scores with those of the float ensemble, and the share of windows on the same side of the limit. */
  readonly rankAgreement: number;
  readonly sameVerdict: number;
  /** How well scores tell windows with a step from healthy ones, and how much worse that is than in the float ensemble. */
  readonly areaUnderCurve: number;
  readonly loss: number;
}

const probeWindows = 512;
/** In deviations. Small ones, where models differ: every one sees a step of four. */
const steps = [1, 1.5, 2, 3];

interface Verdicts {
  /** Score over limit, healthy windows first, then the stepped ones. */
  readonly scores: Float64Array;
  readonly area: number;
}

/** Judges models of one history by windows none of them has seen, and the same windows with a step in one channel. */
export class Judge {
  readonly #windows: Windows;
  readonly #values: Float32Array;
  #reference: Verdicts | undefined;

  private constructor(set: LearningSet) {
    this.#windows = probesOf(set);
    this.#values = Float32Array.from(this.#windows.rows.subarray(0, this.#windows.rows.length / 2));
  }

  /** `reference`: the float ensemble. */
  static async beside(set: LearningSet, reference: LearntModel): Promise<Judge> {
    const judge = new Judge(set);
    judge.#reference = await judge.#verdictsOf(reference);
    return judge;
  }

  async worthOf(model: LearntModel): Promise<Worth> {
    const { scores, area } = await this.#verdictsOf(model);
    const theirs = this.#reference ?? { scores, area };
    const { length, channels } = this.#windows;
    return {
      bytes: model.graph.length,
      cost: await measureGraph(model.graph, this.#values, length, channels),
      rankAgreement: rankCorrelation(scores, theirs.scores),
      sameVerdict: scores.filter((score, i) => score > 1 === (theirs.scores[i] as number) > 1).length / scores.length,
      areaUnderCurve: area,
      loss: theirs.area - area,
    };
  }

  async #verdictsOf({ graph, limit }: LearntModel): Promise<Verdicts> {
    const scores = Float64Array.from((await runGraph(graph, this.#windows)).score, (score) => score / limit);
    const half = scores.length / 2;
    return { scores, area: areaUnderCurve(scores.subarray(0, half), scores.subarray(half)) };
  }
}

/** Unseen windows, then the same ones with a step in one channel, from the first row or the middle of the window on. */
function probesOf({ base, corrected, unseen }: LearningSet): Windows {
  const { length, channels, deviation } = base;
  const width = length * channels;
  const chosen = thinned(unseen, probeWindows);
  const healthy = chosen.flatMap((start) => [...corrected.subarray(start * channels, start * channels + width)]);
  const stepped = healthy.map((value, at) => {
    const w = Math.floor(at / width);
    const row = Math.floor((at % width) / channels);
    const begins = Math.floor(w / (channels * steps.length)) % 2 === 0 ? 0 : Math.floor(length / 2);
    if (at % channels !== w % channels || row < begins) return value;
    const size = steps[Math.floor(w / channels) % steps.length] as number;
    return value + (Math.floor(w / 2) % 2 === 0 ? 1 : -1) * size * (deviation[at % channels] as number);
  });
  return {
    rows: Float64Array.from([...healthy, ...stepped]),
    offsets: Array.from({ length: 2 * chosen.length }, (_, w) => w * width),
    length,
    channels,
  };
}
