import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';

const beta1 = 0.9;
const beta2 = 0.999;
const epsilon = 1e-8;

/** What a step of Adam keeps of a group of parameters: the values, and decaying sums of their gradients and of those squared. */
export interface AdamState {
  readonly values: Value;
  readonly sum: Value;
  readonly squares: Value;
}

/**
 * One step of Adam (Kingma and Ba 2015, algorithm 1), in ten nodes. The averages m and v are kept as sums m / (1 − β₁) and v / (1 − β₂), which saves two
 * passes over the parameters; with the factors of `adamFactors` what comes out is the same step.
 */
export function adamStep(
  graph: GraphBuilder,
  { values, sum, squares }: AdamState,
  gradient: Value,
  factors: AdamFactors<Value>,
): AdamState {
  const nextSum = graph.add(graph.multiply(sum, graph.scalar(beta1)), gradient);
  const nextSquares = graph.add(graph.multiply(squares, graph.scalar(beta2)), graph.multiply(gradient, gradient));
  const size = graph.add(graph.op('Sqrt', [nextSquares]), factors.floor);
  const change = graph.multiply(graph.divide(nextSum, size), factors.rate);
  return { values: graph.subtract(values, change), sum: nextSum, squares: nextSquares };
}

export interface AdamFactors<T> {
  /** α (1 − β₁) / (1 − β₁ᵗ) / √((1 − β₂) / (1 − β₂ᵗ)). */
  readonly rate: T;
  /** ε / √((1 − β₂) / (1 − β₂ᵗ)). */
  readonly floor: T;
}

/** Of step t, which counts from 1, at learning rate α. */
export function adamFactors(t: number, alpha: number): AdamFactors<number> {
  const scale = Math.sqrt((1 - beta2) / (1 - beta2 ** t));
  return { rate: (alpha * (1 - beta1)) / (1 - beta1 ** t) / scale, floor: epsilon / scale };
}
