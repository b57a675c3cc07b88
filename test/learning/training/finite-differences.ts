import { gaussian, seededRandom } from '../../../src/core/seeded-random.ts';
import { floatsOf } from '../../../src/learning/run-graph.ts';
import { createSession, floatTensor } from '../../../src/learning/runtime.ts';
import { gradientsOf } from '../../../src/learning/training/differentiate.ts';
import { mean, multiply } from '../../../src/learning/training/operators.ts';
import { elementsOf, type Sizes, Tape, type Tensor } from '../../../src/learning/training/tape.ts';
import { GraphBuilder } from '../../../src/onnx/graph-builder.ts';

export interface Compared {
  /** ‖gradient − difference‖ / ‖difference‖, by input. */
  readonly relativeErrors: readonly number[];
  readonly gradients: readonly Float32Array[];
  readonly outputSizes: Sizes;
}

/**
 * Gradients of a scalar made of an expression (its result times fixed random numbers, averaged, so that no two elements count alike) beside central
 * differences in ONNX Runtime. No input lies near 0, where some operators bend.
 */
export async function compareGradients(
  inputSizes: readonly Sizes[],
  expression: (tape: Tape, ...inputs: readonly Tensor[]) => Tensor,
  step = 1e-2,
): Promise<Compared> {
  const normal = gaussian(seededRandom(11));
  const draw = (sizes: Sizes): Float32Array => Float32Array.from({ length: elementsOf(sizes) }, normal);
  const graph = new GraphBuilder('gradients');
  const tape = new Tape(graph);
  const inputs = inputSizes.map((sizes, i) => tape.parameter(graph.input(`input_${i}`, 'float', sizes), sizes));
  const output = expression(tape, ...inputs);
  const loss = mean(tape, multiply(tape, output, tape.constant(draw(output.sizes), output.sizes)));
  const found = gradientsOf(tape, loss, inputs);
  graph.output(loss.value, 'loss', 'float', []);
  found.forEach((gradient, i) => {
    graph.output(gradient, `gradient_${i}`, 'float', inputSizes[i] as Sizes);
  });
  const session = await createSession(graph.model());
  const values = inputSizes.map((sizes) => draw(sizes).map((value) => value + 0.1 * Math.sign(value)));
  const run = async () => {
    const feeds = await Promise.all(
      values.map(async (value, i) => [`input_${i}`, await floatTensor(value, inputSizes[i] as Sizes)] as const),
    );
    return session.run(Object.fromEntries(feeds));
  };
  const lossNow = async (): Promise<number> => floatsOf(await run(), 'loss')[0] as number;
  const results = await run();
  const gradients = inputs.map((_, i) => floatsOf(results, `gradient_${i}`));
  const relativeErrors: number[] = [];
  for (const [i, input] of values.entries()) {
    const differences = new Float64Array(input.length);
    for (let at = 0; at < input.length; at++) {
      const value = input[at] as number;
      input[at] = value + step;
      const up = await lossNow();
      input[at] = value - step;
      const down = await lossNow();
      input[at] = value;
      differences[at] = (up - down) / (2 * step);
    }
    const gradient = gradients[i] as Float32Array;
    const off = differences.map((difference, at) => difference - (gradient[at] as number));
    relativeErrors.push(Math.hypot(...off) / Math.hypot(...differences));
  }
  await session.release();
  return { relativeErrors, gradients, outputSizes: output.sizes };
}
