import { columnMeans, covariance, type Matrix, matrix, symmetricEigen } from '../matrix.ts';
import { codesOf, fitDecoder } from '../quantize.ts';
import { denseFamily, denseNetwork } from '../training/dense-family.ts';
import type { LinearWeights } from '../training/linear-family.ts';
import { trainNetwork } from '../training/train-network.ts';
import type { FloatLayer } from './layers.ts';

/** Centred learning rows `[rows, width]` and what the teacher makes of them. */
export interface Lesson {
  readonly rows: Matrix;
  readonly teacher: Matrix;
}

/** The lesson of an ensemble: the mean of its members' reconstructions. */
export function lessonOf(networks: readonly LinearWeights[], centred: Float32Array): Lesson {
  const width = networks[0]?.width ?? 1;
  const rows = matrix(centred.length / width, width, Float64Array.from(centred));
  const teacher = matrix(rows.rows, width);
  for (const { encoder, decoder, rank } of networks) {
    const { values } = codesOf(codesOf(rows, encoder, rank), decoder, width);
    values.forEach((value, at) => {
      teacher.values[at] = (teacher.values[at] as number) + value / networks.length;
    });
  }
  return { rows, teacher };
}

/**
 * A linear student: components of what the teacher gives, and the decoder that comes nearest to it from there (reduced-rank regression, Izenman 1975): the optimum, no gradient steps needed.
 */
export function linearStudent({ rows, teacher }: Lesson, rank: number, centre: Float64Array): LinearWeights {
  const width = rows.columns;
  const { vectors } = symmetricEigen(covariance(teacher, columnMeans(teacher)));
  const encoder = Float32Array.from(
    { length: width * rank },
    (_, at) => vectors.values[Math.floor(at / rank) * width + (at % rank)] as number,
  );
  const fitted = fitDecoder(codesOf(rows, encoder, rank), teacher);
  const decoder = Float32Array.from(
    { length: rank * width },
    (_, at) => fitted?.[at] ?? (encoder[(at % width) * rank + Math.floor(at / width)] as number),
  );
  return { centre, encoder, decoder, width, rank };
}

export interface Schooling {
  readonly epochs: number;
  readonly learningRate: number;
  readonly signal: AbortSignal | undefined;
}

/** The last fifth of the rows judges when to stop. */
const schoolShare = 0.8;

/** A bias-free ReLU student, from random weights or from those given (a network that was pruned). Seeded. */
export async function denseStudent(
  lesson: Lesson,
  start: readonly number[] | readonly FloatLayer[],
  { epochs, learningRate, signal }: Schooling,
): Promise<FloatLayer[]> {
  const width = lesson.rows.columns;
  const seed = 1;
  const given = start.every((one) => typeof one !== 'number') ? (start as readonly FloatLayer[]) : undefined;
  const hidden = given === undefined ? (start as readonly number[]) : given.slice(0, -1).map(({ outputs }) => outputs);
  const taught = Math.floor(schoolShare * lesson.rows.rows) * width;
  const learning = Float32Array.from(lesson.rows.values.subarray(0, taught));
  const { network, initial } =
    given === undefined
      ? denseFamily({ hidden, bias: false }).build({ channels: 1, length: width, rows: taught / width, values: learning }, seed)
      : { network: denseNetwork(width, { hidden, bias: false }), initial: given.map(({ weights }) => weights) };
  const { parameters } = await trainNetwork(network, { rows: taught / width, width, values: learning }, initial, {
    seed,
    epochs,
    learningRate,
    threads: 1,
    teacher: { values: Float32Array.from(lesson.teacher.values.subarray(0, taught)), share: 1 },
    unseen: { rows: lesson.rows.rows - taught / width, width, values: Float32Array.from(lesson.rows.values.subarray(taught)) },
    ...(signal && { signal }),
  });
  const widths = [width, ...hidden, width];
  const code = hidden.indexOf(Math.min(...hidden));
  return parameters.map((weights, l) => ({
    inputs: widths[l] as number,
    outputs: widths[l + 1] as number,
    rectified: l < hidden.length && l !== code,
    weights,
  }));
}
