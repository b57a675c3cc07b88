import { GraphBuilder, type Value } from '../../onnx/graph-builder.ts';
import { adamStep } from './adam.ts';
import { gradientsOf } from './differentiate.ts';
import { meanSquareError } from './losses.ts';
import type { TrainableNetwork } from './network.ts';
import { add, multiply } from './operators.ts';
import { packed, packedLength, unpacked } from './packing.ts';
import { Tape, type Tensor } from './tape.ts';

/** How a graph is laid out: fixed when it is written. */
export interface TrainingLayout {
  readonly rows: number;
  readonly batch: number;
  /** Share of the loss that is the distance to a teacher's output rather than to the rows themselves, 0 to 1; 0: there is no teacher. */
  readonly teacherShare: number;
}

/** What goes from step to step, each a vector as long as all parameters. */
export const stateNames = ['values', 'sum', 'squares'] as const;
export type TrainingState<T> = Readonly<Record<(typeof stateNames)[number], T>>;

export const outputName = (name: (typeof stateNames)[number]): string => `${name}_out`;

/**
 * One epoch as one graph: a Loop over minibatches that gathers its rows, takes loss and gradients, and steps by Adam.
 *
 * Inputs: `data` (and with a teacher `teacher`) `[rows, width]`, `order` `[steps, batch]` (rows of each minibatch), `rates` and `floors` `[steps]` (Adam's
 * factors of each step), and the state. Outputs: the state, and `loss` `[steps]`.
 */
export function trainingGraph(network: TrainableNetwork, layout: TrainingLayout): Uint8Array {
  const graph = new GraphBuilder('train');
  graph.input('data', 'float', [layout.rows, network.width]);
  if (layout.teacherShare > 0) graph.input('teacher', 'float', [layout.rows, network.width]);
  graph.input('order', 'int32', ['steps', layout.batch]);
  graph.input('rates', 'float', ['steps']);
  graph.input('floors', 'float', ['steps']);
  const state = stateNames.map((name) => graph.input(name, 'float', [packedLength(network)]));
  const steps = graph.op('Gather', [graph.op('Shape', ['order']), graph.int64s([0], [])], { axis: 0 });
  const finals = stateNames.map((name) => `${name}_final`);
  const body = stepGraph(network, layout);
  graph.node('Loop', [steps, graph.bool(true), ...state], { body: body.subgraph() }, [...finals, 'losses']);
  stateNames.forEach((name, i) => {
    graph.output(finals[i] as string, outputName(name), 'float', [packedLength(network)]);
  });
  graph.output('losses', 'loss', 'float', ['steps']);
  return graph.model();
}

/** The body of the Loop: one minibatch. `data`, `teacher`, `order`, `rates` and `floors` are seen from outside. */
function stepGraph(network: TrainableNetwork, { batch, teacherShare }: TrainingLayout): GraphBuilder {
  const body = new GraphBuilder('step', 'step_');
  body.input('iteration', 'int64', []);
  body.input('go', 'bool', []);
  const length = packedLength(network);
  const [values = '', sum = '', squares = ''] = stateNames.map((name) => body.input(`${name}_in`, 'float', [length]));
  const now = (source: Value): Value => body.op('Gather', [source, 'iteration'], { axis: 0 });
  const chosen = now('order');

  const tape = new Tape(body);
  const rowsOf = (source: Value): Tensor => tape.data(body.op('Gather', [source, chosen], { axis: 0 }), [batch, network.width]);
  const rows = rowsOf('data');
  const parameters = unpacked(body, network, values).map((value, p) => tape.parameter(value, network.parameters[p]?.shape ?? []));
  const output = network.forward(tape, rows, parameters);
  const loss = teacherShare === 0 ? meanSquareError(tape, output, rows) : taught(tape, output, rows, rowsOf('teacher'), teacherShare);
  const gradient = packed(body, gradientsOf(tape, loss, parameters));
  const next = adamStep(body, { values, sum, squares }, gradient, { rate: now('rates'), floor: now('floors') });

  body.output('go', 'go_out', 'bool', []);
  for (const name of stateNames) body.result(next[name], 'float', [length]);
  body.result(loss.value, 'float', []);
  return body;
}

function taught(tape: Tape, output: Tensor, rows: Tensor, teacher: Tensor, share: number): Tensor {
  const weighted = (target: Tensor, weight: number): Tensor =>
    multiply(tape, meanSquareError(tape, output, target), tape.constant([weight], []));
  return add(tape, weighted(rows, 1 - share), weighted(teacher, share));
}

/** Mean square error of the reconstruction: `data` `[rows, width]` and `values`, all parameters → `loss`. */
export function lossGraph(network: TrainableNetwork): Uint8Array {
  const graph = new GraphBuilder('loss');
  const tape = new Tape(graph);
  const rows = tape.data(graph.input('data', 'float', ['rows', network.width]), [-1, network.width]);
  const values = unpacked(graph, network, graph.input('values', 'float', [packedLength(network)]));
  const parameters = values.map((value, p) => tape.data(value, network.parameters[p]?.shape ?? []));
  const loss = meanSquareError(tape, network.forward(tape, rows, parameters), rows);
  graph.output(loss.value, 'loss', 'float', []);
  return graph.model();
}
