import { type Calibration, calibrateLimit } from './calibrate.ts';
import { type DeployedModel, deployedGraph } from './deployed-graph.ts';
import { type Agreement, agreementOf, probeWindows } from './probes.ts';
import { quantizeLinear } from './quantize.ts';
import { represent, representationOf } from './representation.ts';
import { weighResiduals } from './residual-weights.ts';
import { runGraph, type Windows } from './run-graph.ts';
import { type Split, thinned } from './split.ts';
import { centredRows, type TrainedLinear, trainLinear } from './training/linear-family.ts';
import type { TrainingProgress } from './training/train-network.ts';

export interface FitOptions {
  readonly length: number;
  readonly precision: 'fp32' | 'int8';
  readonly seed: number;
  readonly epochs?: number;
  readonly onProgress?: (progress: TrainingProgress) => void;
  readonly signal?: AbortSignal;
}

/** A graph with what belongs to it and to no other: its weights, bands and limit are found on the graph itself. */
export interface FittedGraph {
  readonly model: Uint8Array;
  readonly residualDeviation: Float64Array;
  readonly calibration: Calibration;
}

export interface Fitted {
  readonly trained: TrainedLinear;
  readonly explainSteps: number;
  /** What ships. */
  readonly shipped: FittedGraph;
  readonly float: FittedGraph;
  readonly agreement: Agreement;
}

const defaultEpochs = 30;
const mostLearningWindows = 40_000;
const mostWeighingWindows = 8_000;
const agreementWindows = 512;

/** Windows of a healthy machine → an autoencoder as an ONNX graph with its limit. In memory; seeded. Rejects with the signal's reason. */
export async function fitDetector(split: Split, options: FitOptions): Promise<Fitted> {
  const { length, precision, seed, epochs = defaultEpochs, onProgress, signal } = options;
  const { channels, mean, deviation, rows } = split;
  const representation = representationOf(length, channels);
  const representations = (offsets: readonly number[]) =>
    represent(rows, thinned(offsets, mostLearningWindows), representation, mean, deviation);
  const learning = representations(split.learning);
  const trained = await trainLinear(learning, representations(split.unseen), {
    seed,
    epochs,
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  });
  const base = { representation, mean, deviation, weights: trained.weights };
  const float = await calibrated({ ...base, quantized: undefined }, split, signal);
  const shipped =
    precision === 'fp32'
      ? float
      : await calibrated(
          { ...base, quantized: quantizeLinear(trained.weights, centredRows(learning, trained.weights.centre)) },
          split,
          signal,
        );
  const probes = probeWindows(split, length, agreementWindows);
  const [ours, theirs] = [await runGraph(shipped.model, probes, signal), await runGraph(float.model, probes, signal)];
  const agreement = agreementOf(ours.score, shipped.calibration.limit, theirs.score, float.calibration.limit);
  return { trained, explainSteps: representation.explainSteps, shipped, float, agreement };
}

/** Residual weights, bands and limit, all on the graph as it will run: with another graph's limit the false-alarm rate doubles (DETECTOR 3.8). */
async function calibrated(unweighted: Omit<DeployedModel, 'residualWeights'>, split: Split, signal?: AbortSignal): Promise<FittedGraph> {
  const { length, channels } = unweighted.representation;
  const windows = (offsets: readonly number[]): Windows => ({ rows: split.rows, offsets, length, channels });
  const { model, residualDeviation } = await weighResiduals(unweighted, windows(thinned(split.learning, mostWeighingWindows)));
  const graph = deployedGraph(model);
  const { score } = await runGraph(graph, windows(split.unseen), signal);
  return { model: graph, residualDeviation, calibration: calibrateLimit(score, length) };
}
