import { type DeployedModel, deployedGraph } from './deployed-graph.ts';
import { runGraph, type Windows } from './run-graph.ts';

export interface WeighedModel {
  readonly model: DeployedModel;
  /** By channel, engineering units: deviation of observed − expected, the band people are shown. */
  readonly residualDeviation: Float64Array;
}

/** Share of the overall residual that every element's deviation is raised by, so that no nearly exact element rules the score. */
const floor = 0.05;
/** A band thinner than this share of the channel's own deviation would look like nonsense. */
const thinnestBand = 0.02;

/**
 * Residual weights 1 / (deviation + 0.05 rms) (DETECTOR 3.2: the most important single line) and bands, from the residuals of the very graph that
 * will ship, over learning windows.
 */
export async function weighResiduals(unweighted: Omit<DeployedModel, 'residualWeights'>, windows: Windows): Promise<WeighedModel> {
  const { representation, deviation } = unweighted;
  const { channels, blocks } = representation;
  const width = channels * blocks;
  const even = new Float64Array(width).fill(1);
  const { residual, observed, expected } = await runGraph(deployedGraph({ ...unweighted, residualWeights: even }, true), windows);
  const deviations = columnDeviations(residual, width);
  const rms = Math.sqrt(residual.reduce((sum, value) => sum + value * value, 0) / residual.length);
  const residualWeights = deviations.map((value) => 1 / (value + floor * rms + 1e-9));
  const difference = observed.map((value, i) => value - (expected[i] as number));
  const residualDeviation = columnDeviations(difference, channels).map((value, c) =>
    Math.max(value, thinnestBand * (deviation[c] as number)),
  );
  return { model: { ...unweighted, residualWeights }, residualDeviation };
}

function columnDeviations(values: Float32Array, columns: number): Float64Array {
  const rows = values.length / columns;
  const mean = new Float64Array(columns);
  const square = new Float64Array(columns);
  for (let i = 0; i < values.length; i++) mean[i % columns] = (mean[i % columns] as number) + (values[i] as number) / rows;
  for (let i = 0; i < values.length; i++)
    square[i % columns] = (square[i % columns] as number) + ((values[i] as number) - (mean[i % columns] as number)) ** 2;
  return square.map((sum) => Math.sqrt(sum / rows));
}
