import { seededRandom } from '../core/seeded-random.ts';
import { GraphBuilder } from '../onnx/graph-builder.ts';
import { columnMeans, covariance, type Matrix, symmetricEigen } from './matrix.ts';
import type { ModelFamily, TrainingProgress } from './model-family.ts';
import { createSession, onnxRuntime } from './runtime.ts';

/** A bias-free linear autoencoder y = (f E) D on centred representations: encoder `[p, r]`, decoder `[r, p]`. */
export interface LinearWeights {
  readonly centre: Float64Array;
  readonly encoder: Float32Array;
  readonly decoder: Float32Array;
  readonly width: number;
  readonly rank: number;
}

const energyKept = 0.9;
const batchSize = 64;
const learningRate = 2e-3;
const beta1 = 0.9;
const beta2 = 0.999;
const epsilon = 1e-8;

/**
 * The linear family (DETECTOR 3.2). The rank is the smallest whose components hold 90 % of the variance, plus one. Training begins at those components (the
 * closed-form optimum on the learning rows) and goes on by Adam in ONNX Runtime, an epoch a `run`; the weights that reconstruct the unseen rows best are kept.
 */
export const linearFamily: ModelFamily<LinearWeights> = {
  name: 'linear',
  async train(learning, unseen, { seed, epochs, signal, onProgress }) {
    const { columns: width, rows } = learning;
    const centre = columnMeans(learning);
    const { values, vectors } = symmetricEigen(covariance(learning, centre));
    const rank = rankOf(values);
    let encoder = new Float32Array(width * rank);
    let decoder = new Float32Array(rank * width);
    for (let i = 0; i < width; i++) {
      for (let k = 0; k < rank; k++) {
        const v = vectors.values[i * width + k] as number;
        encoder[i * rank + k] = v;
        decoder[k * width + i] = v;
      }
    }
    const centred = (data: Matrix): Float32Array => Float32Array.from(data.values, (value, at) => value - (centre[at % width] as number));
    const validation = centred(unseen.rows > 0 ? unseen : learning);
    const closedForm = reconstructionError(validation, encoder, decoder, width, rank);
    let best = { loss: closedForm, encoder, decoder };

    const session = await createSession(trainingGraph(width, rank, rows));
    const { Tensor } = await onnxRuntime();
    const data = new Tensor('float32', centred(learning), [rows, width]);
    const random = seededRandom(seed);
    const steps = Math.max(1, Math.floor(rows / batchSize));
    let moments = [
      new Float32Array(encoder.length),
      new Float32Array(encoder.length),
      new Float32Array(decoder.length),
      new Float32Array(decoder.length),
    ];
    let taken = 0;
    try {
      for (let epoch = 0; epoch < epochs; epoch++) {
        signal?.throwIfAborted();
        const order = BigInt64Array.from(shuffled(rows, random).slice(0, steps * Math.min(batchSize, rows)), BigInt);
        // The closed form is the optimum of the learning rows already: a small, falling step refines it for the unseen ones.
        const rate = 0.05 * learningRate * 0.5 * (1 + Math.cos((Math.PI * epoch) / epochs));
        const output = await session.run({
          data,
          order: new Tensor('int64', order, [steps, order.length / steps]),
          rate: new Tensor('float32', Float32Array.of(rate), []),
          taken: new Tensor('float32', Float32Array.of(taken), []),
          encoder: new Tensor('float32', encoder, [width, rank]),
          decoder: new Tensor('float32', decoder, [rank, width]),
          ...Object.fromEntries(
            momentNames.map((name, i) => [name, new Tensor('float32', moments[i] as Float32Array, i < 2 ? [width, rank] : [rank, width])]),
          ),
        });
        taken += steps;
        const read = (name: string): Float32Array<ArrayBuffer> => Float32Array.from(output[name]?.data as Float32Array);
        encoder = read('encoder_out');
        decoder = read('decoder_out');
        moments = momentNames.map((name) => read(`${name}_out`));
        const loss = reconstructionError(validation, encoder, decoder, width, rank);
        if (loss < best.loss) best = { loss, encoder, decoder };
        onProgress?.({
          epoch: epoch + 1,
          epochs,
          loss: (output.loss?.data as Float32Array).at(-1) ?? Number.NaN,
          unseenLoss: loss,
        } satisfies TrainingProgress);
        // Unseen rows have been getting worse for long: early stopping.
        if (loss > closedForm * 1.05) break;
      }
    } finally {
      await session.release();
    }
    return {
      weights: { centre, encoder: best.encoder, decoder: best.decoder, width, rank },
      unseenLoss: best.loss,
      initialLoss: closedForm,
    };
  },
};

const momentNames = ['encoderMean', 'encoderSquare', 'decoderMean', 'decoderSquare'];

function rankOf(eigenvalues: Float64Array): number {
  const total = eigenvalues.reduce((sum, value) => sum + value, 0);
  let kept = 0;
  let rank = 0;
  while (rank < eigenvalues.length && kept < energyKept * total) kept += eigenvalues[rank++] as number;
  return Math.max(1, Math.min(rank + 1, eigenvalues.length - 1));
}

/** Fisher and Yates (1938), seeded. */
function shuffled(count: number, random: () => number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}

/** Mean square of f − (f E) D over all elements. */
export function reconstructionError(data: Float32Array, encoder: Float32Array, decoder: Float32Array, width: number, rank: number): number {
  const rows = data.length / width;
  const hidden = new Float64Array(rank);
  let sum = 0;
  for (let i = 0; i < rows; i++) {
    hidden.fill(0);
    for (let j = 0; j < width; j++) {
      const value = data[i * width + j] as number;
      for (let k = 0; k < rank; k++) hidden[k] = (hidden[k] as number) + value * (encoder[j * rank + k] as number);
    }
    for (let j = 0; j < width; j++) {
      let y = 0;
      for (let k = 0; k < rank; k++) y += (hidden[k] as number) * (decoder[k * width + j] as number);
      sum += ((data[i * width + j] as number) - y) ** 2;
    }
  }
  return sum / data.length;
}

/**
 * One epoch as a graph: a Loop over minibatches that gathers its rows, goes forward, takes the gradients of the mean square error, and steps by Adam
 * (Kingma and Ba 2015, algorithm 1). With Y = (F E) D, G = 2 (Y − F) / (b·p): dD = (F E)ᵀ G, dE = Fᵀ (G Dᵀ).
 */
export function trainingGraph(width: number, rank: number, rows: number): Uint8Array {
  const graph = new GraphBuilder('train');
  graph.input('data', 'float', [rows, width]);
  graph.input('order', 'int64', ['steps', 'batch']);
  graph.input('rate', 'float', []);
  graph.input('taken', 'float', []);
  const shapes = {
    encoder: [width, rank],
    decoder: [rank, width],
    encoderMean: [width, rank],
    encoderSquare: [width, rank],
    decoderMean: [rank, width],
    decoderSquare: [rank, width],
  };
  for (const [name, shape] of Object.entries(shapes)) graph.input(name, 'float', shape);

  const body = new GraphBuilder('step', 'step_');
  body.input('iteration', 'int64', []);
  body.input('go', 'bool', []);
  const carried = Object.entries(shapes).map(([name, shape]) => ({ name, shape, value: body.input(`${name}_in`, 'float', shape) }));
  const [E, D, mE, vE, mD, vD] = carried.map(({ value }) => value) as [string, string, string, string, string, string];
  const F = body.op('Gather', ['data', body.op('Gather', ['order', 'iteration'], { axis: 0 })], { axis: 0 });
  const H = body.matmul(F, E);
  const error = body.subtract(body.matmul(H, D), F);
  const squared = body.multiply(error, error);
  const loss = body.op('ReduceMean', [squared], { keepdims: 0 });
  const elements = body.op('Cast', [body.op('Size', [squared])], { to: 1 });
  const G = body.divide(body.multiply(error, body.scalar(2)), elements);
  const dD = body.matmul(body.transpose(H, [1, 0]), G);
  const dE = body.matmul(body.transpose(F, [1, 0]), body.matmul(G, body.transpose(D, [1, 0])));
  const time = body.add(body.add('taken', body.op('Cast', ['iteration'], { to: 1 })), body.scalar(1));
  const correction = (beta: number): string => body.subtract(body.scalar(1), body.op('Pow', [body.scalar(beta), time]));
  const [correction1, correction2] = [correction(beta1), correction(beta2)];
  const adam = (weights: string, mean: string, square: string, gradient: string): [string, string, string] => {
    const nextMean = body.add(body.multiply(mean, body.scalar(beta1)), body.multiply(gradient, body.scalar(1 - beta1)));
    const nextSquare = body.add(
      body.multiply(square, body.scalar(beta2)),
      body.multiply(body.multiply(gradient, gradient), body.scalar(1 - beta2)),
    );
    const step = body.divide(
      body.divide(nextMean, correction1),
      body.add(body.op('Sqrt', [body.divide(nextSquare, correction2)]), body.scalar(epsilon)),
    );
    return [body.subtract(weights, body.multiply('rate', step)), nextMean, nextSquare];
  };
  const [E1, mE1, vE1] = adam(E, mE, vE, dE);
  const [D1, mD1, vD1] = adam(D, mD, vD, dD);
  body.output('go', 'go_out', 'bool', []);
  [E1, D1, mE1, vE1, mD1, vD1].forEach((value, i) => {
    const { name, shape } = carried[i] as (typeof carried)[number];
    body.output(value, `${name}_next`, 'float', shape);
  });
  body.output(loss, 'loss_step', 'float', []);

  const steps = graph.op('Gather', [graph.op('Shape', ['order']), graph.int64s([0], [])], { axis: 0 });
  const outputs = [...Object.keys(shapes).map((name) => `${name}_final`), 'losses'];
  graph.node('Loop', [steps, graph.bool(true), ...Object.keys(shapes)], { body: body.subgraph() }, outputs);
  for (const [name, shape] of Object.entries(shapes)) graph.output(`${name}_final`, `${name}_out`, 'float', shape);
  graph.output('losses', 'loss', 'float', ['steps']);
  return graph.model();
}
