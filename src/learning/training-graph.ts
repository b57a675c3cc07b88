import { GraphBuilder, type Value } from '../onnx/graph-builder.ts';
import type { TrainableNetwork } from './model-family.ts';

const beta1 = 0.9;
const beta2 = 0.999;
const epsilon = 1e-8;

/** Names of the values of a parameter as they enter and leave the graph: itself, Adam's mean and Adam's mean square. */
export const stateNames = ({ parameters }: TrainableNetwork): string[] =>
  parameters.flatMap(({ name }) => [name, `${name}_mean`, `${name}_square`]);
export const outputName = (name: string): string => `${name}_out`;

/**
 * One epoch as one graph: a Loop over minibatches that gathers its rows, takes loss and gradients, and steps by Adam (Kingma and Ba 2015, algorithm 1).
 *
 * Inputs: `data` `[rows, width]`, `order` `[steps, batch]` (rows of each minibatch), `rate`, `taken` (steps before this epoch), and the state of each
 * parameter. Outputs: that state, and `loss` `[steps]`.
 */
export function trainingGraph(network: TrainableNetwork, rows: number, width: number): Uint8Array {
  const graph = new GraphBuilder('train');
  graph.input('data', 'float', [rows, width]);
  graph.input('order', 'int64', ['steps', 'batch']);
  graph.input('rate', 'float', []);
  graph.input('taken', 'float', []);
  const names = stateNames(network);
  const shapeOf = (i: number): readonly number[] => network.parameters[Math.floor(i / 3)]?.shape ?? [];
  names.forEach((name, i) => {
    graph.input(name, 'float', shapeOf(i));
  });

  const body = stepGraph(network, names, shapeOf);
  const steps = graph.op('Gather', [graph.op('Shape', ['order']), graph.int64s([0], [])], { axis: 0 });
  const finals = names.map((name) => `${name}_final`);
  graph.node('Loop', [steps, graph.bool(true), ...names], { body: body.subgraph() }, [...finals, 'losses']);
  names.forEach((name, i) => {
    graph.output(finals[i] as string, outputName(name), 'float', shapeOf(i));
  });
  graph.output('losses', 'loss', 'float', ['steps']);
  return graph.model();
}

/** The body of the Loop: one minibatch. `data`, `order`, `rate` and `taken` are seen from outside. */
function stepGraph(network: TrainableNetwork, names: readonly string[], shapeOf: (i: number) => readonly number[]): GraphBuilder {
  const body = new GraphBuilder('step', 'step_');
  body.input('iteration', 'int64', []);
  body.input('go', 'bool', []);
  const state = names.map((name, i) => body.input(`${name}_in`, 'float', shapeOf(i)));
  const parameters = state.filter((_, i) => i % 3 === 0);
  const batch = body.op('Gather', ['data', body.op('Gather', ['order', 'iteration'], { axis: 0 })], { axis: 0 });
  const { loss, gradients } = network.lossAndGradients(body, batch, parameters);
  const step = adam(body);
  body.output('go', 'go_out', 'bool', []);
  gradients.forEach((gradient, p) => {
    const [value, mean, square] = state.slice(3 * p, 3 * p + 3) as [Value, Value, Value];
    step(value, mean, square, gradient).forEach((next, i) => {
      body.output(next, `${names[3 * p + i]}_next`, 'float', shapeOf(3 * p + i));
    });
  });
  body.output(loss, 'loss_step', 'float', []);
  return body;
}

function adam(body: GraphBuilder): (value: Value, mean: Value, square: Value, gradient: Value) => [Value, Value, Value] {
  const time = body.add(body.add('taken', body.op('Cast', ['iteration'], { to: 1 })), body.scalar(1));
  const correction = (beta: number): Value => body.subtract(body.scalar(1), body.op('Pow', [body.scalar(beta), time]));
  const [meanCorrection, squareCorrection] = [correction(beta1), correction(beta2)];
  const average = (old: Value, fresh: Value, beta: number): Value =>
    body.add(body.multiply(old, body.scalar(beta)), body.multiply(fresh, body.scalar(1 - beta)));
  return (value, mean, square, gradient) => {
    const nextMean = average(mean, gradient, beta1);
    const nextSquare = average(square, body.multiply(gradient, gradient), beta2);
    const size = body.add(body.op('Sqrt', [body.divide(nextSquare, squareCorrection)]), body.scalar(epsilon));
    const change = body.divide(body.divide(nextMean, meanCorrection), size);
    return [body.subtract(value, body.multiply('rate', change)), nextMean, nextSquare];
  };
}
