import type { Value } from '../../onnx/graph-builder.ts';
import type { Tape, Tensor } from './tape.ts';

/**
 * Reverse-mode differentiation (Linnainmaa 1970; Griewank and Walther 2008, chapter 3): walks the tape backwards from a scalar loss and writes the
 * gradient by each parameter, in the order given, into the tape's graph. A parameter the loss does not depend on gets zeros.
 */
export function gradientsOf(tape: Tape, loss: Tensor, parameters: readonly Tensor[]): Value[] {
  if (loss.sizes.length > 0) throw new RangeError(`a loss is a scalar, this one is [${loss.sizes.join(', ')}]`);
  const { graph } = tape;
  const gradients = new Map<Tensor, Value>([[loss, graph.scalar(1)]]);
  for (const { result, inputs } of tape.steps.toReversed()) {
    const gradient = gradients.get(result);
    if (gradient === undefined) continue;
    for (const { tensor, pullback } of inputs) {
      const share = pullback(gradient);
      const others = gradients.get(tensor);
      gradients.set(tensor, others === undefined ? share : graph.add(others, share));
    }
  }
  return parameters.map((parameter) => gradients.get(parameter) ?? graph.zeros(parameter.sizes));
}
