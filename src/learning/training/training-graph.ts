import { GraphBuilder, type Value } from '../../onnx/graph-builder.ts';
import { adamStep } from './adam.ts';
import { gradientsOf } from './differentiate.ts';
import { meanSquareError } from './losses.ts';
import type { TrainableNetwork } from './network.ts';
import { add, multiply } from './operators.ts';
import { gathered, type ParameterGroup, scattered } from './parameter-groups.ts';
import { type Sizes, Tape, type Tensor } from './tape.ts';

/** How a graph is laid out: fixed when it is written. */
export interface TrainingLayout {
  readonly rows: number;
  readonly batch: number;
  /** Share of the loss that is the distance to a teacher's output rather than to the rows themselves, 0 to 1; 0: there is no teacher. */
  readonly teacherShare: number;
}

const adamParts = ['values', 'sum', 'squares'] as const;

/** Names and sizes of the arrays that go from step to step. */
export interface StateSlot {
  readonly name: string;
  readonly sizes: Sizes;
}

/** By group values, sum, squares. */
export const stateSlots = (groups: readonly ParameterGroup[]): StateSlot[] =>
  groups.flatMap(({ name, sizes }) => adamParts.map((part) => ({ name: `${name}_${part}`, sizes })));

export const outputName = (name: string): string => `${name}_out`;

/**
 * One epoch as one graph: a Loop over minibatches that gathers its rows, takes loss and gradients, and steps by Adam.
 *
 * Inputs: `data` (and with a teacher `teacher`) `[rows, width]`, `order` `[steps, batch]` (rows of each minibatch), `rates` and `floors`
 * `[steps]` (Adam's factors of each step), and the state slots. Outputs: those slots, and `loss` `[steps]`.
 */
export function trainingGraph(network: TrainableNetwork, groups: readonly ParameterGroup[], layout: TrainingLayout): Uint8Array {
  const graph = new GraphBuilder('train');
  graph.input('data', 'float', [layout.rows, network.width]);
  if (layout.teacherShare > 0) graph.input('teacher', 'float', [layout.rows, network.width]);
  graph.input('order', 'int64', ['steps', layout.batch]);
  graph.input('rates', 'float', ['steps']);
  graph.input('floors', 'float', ['steps']);
  const slots = stateSlots(groups);
  for (const { name, sizes } of slots) graph.input(name, 'float', sizes);
  const steps = graph.op('Gather', [graph.op('Shape', ['order']), graph.int64s([0], [])], { axis: 0 });
  const finals = slots.map(({ name }) => `${name}_final`);
  const body = stepGraph(network, layout, groups);
  graph.node('Loop', [steps, graph.bool(true), ...slots.map(({ name }) => name)], { body: body.subgraph() }, [...finals, 'losses']);
  slots.forEach(({ name, sizes }, i) => {
    graph.output(finals[i] as string, outputName(name), 'float', sizes);
  });
  graph.output('losses', 'loss', 'float', ['steps']);
  return graph.model();
}

/** The body of the Loop: one minibatch. `data`, `teacher`, `order`, `rates` and `floors` are seen from outside. */
function stepGraph(network: TrainableNetwork, { batch, teacherShare }: TrainingLayout, groups: readonly ParameterGroup[]): GraphBuilder {
  const body = new GraphBuilder('step', 'step_');
  body.input('iteration', 'int64', []);
  body.input('go', 'bool', []);
  const state = stateSlots(groups).map(({ name, sizes }) => body.input(`${name}_in`, 'float', sizes));
  const tape = new Tape(body);
  const now = (source: Value): Value => body.op('Gather', [source, 'iteration'], { axis: 0 });
  const chosen = now('order');
  const rowsOf = (source: Value): Tensor => tape.data(body.op('Gather', [source, chosen], { axis: 0 }), [batch, network.width]);
  const rows = rowsOf('data');
  const values = scattered(
    body,
    network,
    groups,
    groups.map((_, g) => state[3 * g] as Value),
  );
  const parameters = network.parameters.map(({ shape }, p) => tape.parameter(values[p] as Value, shape));
  const output = network.forward(tape, rows, parameters);
  const loss = teacherShare === 0 ? meanSquareError(tape, output, rows) : taught(tape, output, rows, rowsOf('teacher'), teacherShare);
  const gradients = gathered(body, groups, gradientsOf(tape, loss, parameters));
  const factors = { rate: now('rates'), floor: now('floors') };
  body.output('go', 'go_out', 'bool', []);
  groups.forEach(({ sizes }, g) => {
    const [values, sum, squares] = state.slice(3 * g, 3 * g + 3) as [Value, Value, Value];
    const next = adamStep(body, { values, sum, squares }, gradients[g] as Value, factors);
    for (const part of adamParts) body.result(next[part], 'float', sizes);
  });
  body.result(loss.value, 'float', []);
  return body;
}

function taught(tape: Tape, output: Tensor, rows: Tensor, teacher: Tensor, share: number): Tensor {
  const weighted = (target: Tensor, weight: number): Tensor =>
    multiply(tape, meanSquareError(tape, output, target), tape.constant([weight], []));
  return add(tape, weighted(rows, 1 - share), weighted(teacher, share));
}

/** Mean square error of the reconstruction: `data` `[rows, width]` and the groups by their names → `loss`. */
export function lossGraph(network: TrainableNetwork, groups: readonly ParameterGroup[]): Uint8Array {
  const graph = new GraphBuilder('loss');
  const tape = new Tape(graph);
  const rows = tape.data(graph.input('data', 'float', ['rows', network.width]), [-1, network.width]);
  const values = scattered(
    graph,
    network,
    groups,
    groups.map(({ name, sizes }) => graph.input(name, 'float', sizes)),
  );
  const parameters = network.parameters.map(({ shape }, p) => tape.data(values[p] as Value, shape));
  const loss = meanSquareError(tape, network.forward(tape, rows, parameters), rows);
  graph.output(loss.value, 'loss', 'float', []);
  return graph.model();
}
