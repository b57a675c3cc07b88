import { GraphBuilder, type Value } from '../../onnx/graph-builder.ts';
import { type AdamState, adamStep } from './adam.ts';
import { gradientsOf } from './differentiate.ts';
import { meanSquareError } from './losses.ts';
import type { TrainableNetwork } from './network.ts';
import { add, multiply } from './operators.ts';
import { elementsOf, type Sizes, Tape, type Tensor } from './tape.ts';

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

export const stateSlots = ({ parameters }: TrainableNetwork): StateSlot[] =>
  parameters.flatMap(({ name, shape }) => adamParts.map((part) => ({ name: `${name}_${part}`, sizes: shape })));

export const outputName = (name: string): string => `${name}_out`;

/**
 * One epoch as one graph: a Loop over minibatches that gathers its rows, takes loss and gradients, and steps by Adam.
 *
 * Inputs: `data` (and with a teacher `teacher`) `[rows, width]`, `order` `[steps, batch]` (rows of each minibatch), `factors` `[steps, 2]` (Adam's rate and
 * floor of each step), and the state slots. Outputs: those slots, and `loss` `[steps]`.
 */
export function trainingGraph(network: TrainableNetwork, layout: TrainingLayout): Uint8Array {
  const graph = new GraphBuilder('train');
  graph.input('data', 'float', [layout.rows, network.width]);
  if (layout.teacherShare > 0) graph.input('teacher', 'float', [layout.rows, network.width]);
  graph.input('order', 'int64', ['steps', layout.batch]);
  graph.input('factors', 'float', ['steps', 2]);
  const slots = stateSlots(network);
  for (const { name, sizes } of slots) graph.input(name, 'float', sizes);
  const steps = graph.op('Gather', [graph.op('Shape', ['order']), graph.int64s([0], [])], { axis: 0 });
  const finals = slots.map(({ name }) => `${name}_final`);
  const body = stepGraph(network, layout, slots);
  graph.node('Loop', [steps, graph.bool(true), ...slots.map(({ name }) => name)], { body: body.subgraph() }, [...finals, 'losses']);
  slots.forEach(({ name, sizes }, i) => {
    graph.output(finals[i] as string, outputName(name), 'float', sizes);
  });
  graph.output('losses', 'loss', 'float', ['steps']);
  return graph.model();
}

/** The body of the Loop: one minibatch. `data`, `teacher`, `order` and `factors` are seen from outside. */
function stepGraph(network: TrainableNetwork, { batch, teacherShare }: TrainingLayout, slots: readonly StateSlot[]): GraphBuilder {
  const body = new GraphBuilder('step', 'step_');
  body.input('iteration', 'int64', []);
  body.input('go', 'bool', []);
  const state = slots.map(({ name, sizes }) => body.input(`${name}_in`, 'float', sizes));
  const tape = new Tape(body);
  const chosen = body.op('Gather', ['order', 'iteration'], { axis: 0 });
  const rowsOf = (source: Value): Tensor => tape.data(body.op('Gather', [source, chosen], { axis: 0 }), [batch, network.width]);
  const rows = rowsOf('data');
  const parameters = network.parameters.map(({ shape }, p) => tape.parameter(state[3 * p] as Value, shape));
  const output = network.forward(tape, rows, parameters);
  const loss = teacherShare === 0 ? meanSquareError(tape, output, rows) : taught(tape, output, rows, rowsOf('teacher'), teacherShare);
  const gradients = gradientsOf(tape, loss, parameters);
  const factor = (at: number): Value =>
    body.op('Gather', [body.op('Gather', ['factors', 'iteration'], { axis: 0 }), body.int64s([at], [])], { axis: 0 });
  const factors = { rate: factor(0), floor: factor(1) };
  body.output('go', 'go_out', 'bool', []);
  gradients.forEach((gradient, p) => {
    const [values, sum, squares] = state.slice(3 * p, 3 * p + 3) as [Value, Value, Value];
    const next: AdamState = adamStep(body, { values, sum, squares }, gradient, factors);
    adamParts.forEach((part, i) => {
      const { name, sizes } = slots[3 * p + i] as StateSlot;
      body.output(next[part], `${name}_next`, 'float', sizes);
    });
  });
  body.output(loss.value, 'loss_step', 'float', []);
  return body;
}

function taught(tape: Tape, output: Tensor, rows: Tensor, teacher: Tensor, share: number): Tensor {
  const weighted = (target: Tensor, weight: number): Tensor =>
    multiply(tape, meanSquareError(tape, output, target), tape.constant([weight], []));
  return add(tape, weighted(rows, 1 - share), weighted(teacher, share));
}

/** Mean square error of the reconstruction: `data` `[rows, width]` and the parameters by their names → `loss`. */
export function lossGraph(network: TrainableNetwork): Uint8Array {
  const graph = new GraphBuilder('loss');
  const tape = new Tape(graph);
  const rows = tape.data(graph.input('data', 'float', ['rows', network.width]), [-1, network.width]);
  const parameters = network.parameters.map(({ name, shape }) => tape.data(graph.input(name, 'float', shape), shape));
  const loss = meanSquareError(tape, network.forward(tape, rows, parameters), rows);
  graph.output(loss.value, 'loss', 'float', []);
  return graph.model();
}

export const parameterCount = ({ parameters }: TrainableNetwork): number =>
  parameters.reduce((sum, { shape }) => sum + elementsOf(shape), 0);
