import type { GraphBuilder, Value } from '../../onnx/graph-builder.ts';

/** Sizes of a tensor; a first size of -1 is free (the rows of an inference batch). */
export type Sizes = readonly number[];

/** A value of the graph with its sizes. `tracked`: a parameter is beneath it, so a gradient flows through. */
export interface Tensor {
  readonly value: Value;
  readonly sizes: Sizes;
  readonly tracked: boolean;
}

/**
 * Writes how the gradient of the loss by an operator's result (same sizes as the result) becomes the gradient by one of its inputs (same sizes as that
 * input): a vector-Jacobian product.
 */
export type Pullback = (gradient: Value) => Value;

/** One recorded operator. */
export interface Step {
  readonly result: Tensor;
  readonly inputs: readonly { readonly tensor: Tensor; readonly pullback: Pullback }[];
}

/**
 * Writes a forward graph and remembers, operator by operator, how gradients flow back through it. Operators are functions of a tape (operators.ts,
 * convolution.ts, fake-quantize.ts); `gradientsOf` (differentiate.ts) reads it backwards. For inference the record is simply not read.
 */
export class Tape {
  readonly graph: GraphBuilder;
  readonly #steps: Step[] = [];

  constructor(graph: GraphBuilder) {
    this.graph = graph;
  }

  get steps(): readonly Step[] {
    return this.#steps;
  }

  /** What training does not change. */
  data(value: Value, sizes: Sizes): Tensor {
    return { value, sizes, tracked: false };
  }

  /** What training changes. */
  parameter(value: Value, sizes: Sizes): Tensor {
    return { value, sizes, tracked: true };
  }

  constant(values: ArrayLike<number>, sizes: Sizes): Tensor {
    return this.data(this.graph.floats(values, sizes), sizes);
  }

  /** An operator's result. No nodes are written for the gradient of an input without a parameter beneath it. */
  record(value: Value, sizes: Sizes, inputs: readonly (readonly [Tensor, Pullback])[]): Tensor {
    const tracked = inputs.filter(([tensor]) => tensor.tracked).map(([tensor, pullback]) => ({ tensor, pullback }));
    const result: Tensor = { value, sizes, tracked: tracked.length > 0 };
    if (result.tracked) this.#steps.push({ result, inputs: tracked });
    return result;
  }
}

export const elementsOf = (sizes: Sizes): number => sizes.reduce((product, size) => product * size, 1);
