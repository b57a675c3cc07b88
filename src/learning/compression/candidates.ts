import { quantizeColumns } from '../quantize.ts';
import { gram, roundBlocks } from '../quantize-blocks.ts';
import { type LearningSet, type Precision, quantizedIn } from '../tracking/learn.ts';
import type { LinearMember, MemberNetwork } from '../tracking/tracking-graph.ts';
import type { LinearWeights } from '../training/linear-family.ts';
import { denseStudent, type Lesson, lessonOf, linearStudent } from './distil.ts';
import { throughLayer } from './forward.ts';
import { blockOf, type FloatLayer, type Layer, roundLayers } from './layers.ts';
import { fewerComponents, fewerUnits, shareOfZeros, smallestToZero } from './prune.ts';

/** A way to make the model smaller, in float; each can ship in each precision. */
export interface Structure {
  readonly name: string;
  readonly family: 'linear' | 'dense';
  /** Share of weights that are 0. */
  readonly zeros: number;
  in(precision: Precision): readonly MemberNetwork[];
}

const componentShares = [0.75, 0.5, 0.25];
const zeroShare = 0.5;
const studentShares = [1, 0.5, 0.25];
/** Shares of the window's width: the hidden layers of the dense student. */
const denseShares = [0.6, 0.3, 0.6];
const school = { epochs: 60, learningRate: 2e-3 };
const afterSchool = { epochs: 30, learningRate: 5e-4 };

/** The teacher first, then what was made smaller of it. Rejects with the signal's reason. */
export async function structuresOf(set: LearningSet, signal?: AbortSignal): Promise<Structure[]> {
  const { networks, refitting } = set;
  const linear = (name: string, members: readonly LinearWeights[]): Structure => ({
    name: `${name} ${members.map(({ rank }) => rank).join('/')}`,
    family: 'linear',
    zeros: shareOfZeros(members.flatMap(({ encoder, decoder }) => [encoder, decoder])),
    in: (precision) => members.map((weights) => ({ weights, quantized: quantizedIn(precision, weights, refitting) })),
  });
  const lesson = lessonOf(networks, refitting);
  const { columns: width } = lesson.rows;
  const largest = Math.max(...networks.map(({ rank }) => rank));
  const ranks = [...new Set(studentShares.map((share) => Math.max(1, Math.round(largest * share))))];
  const hidden = denseShares.map((share) => Math.max(2, Math.round(width * share)));
  const trained = await denseStudent(lesson, hidden, { ...school, signal });
  const pruned = await denseStudent(lesson, fewerUnits(trained, 0.5, lesson.rows), { ...afterSchool, signal });
  const centre = networks[0]?.centre ?? new Float64Array(width);
  const thinned = networks.map((weights) => smallestToZero(weights, zeroShare, refitting));
  return [
    linear('ensemble', networks),
    ...componentShares.map((share) =>
      linear(
        'pruned',
        networks.map((weights) => fewerComponents(weights, share)),
      ),
    ),
    {
      ...linear(`${zeroShare * 100} % zeros`, thinned),
      // Rounded for itself: a decoder fitted anew would have no zeros.
      in: (precision) => thinned.map((weights) => ({ weights, quantized: roundedAlone(weights, precision) })),
    },
    ...ranks.map((rank) => linear('student', [linearStudent(lesson, rank, centre)])),
    dense('ReLU student', trained, lesson),
    dense('ReLU pruned', pruned, lesson),
  ];
}

function roundedAlone({ encoder, decoder, width, rank }: LinearWeights, precision: Precision): LinearMember['quantized'] {
  if (precision === 'fp32') return undefined;
  if (precision === 'int8')
    return { width, rank, encoder: quantizeColumns(encoder, width, rank), decoder: quantizeColumns(decoder, rank, width) };
  const bits = precision === 'int4' ? 4 : 2;
  return { encoder: roundBlocks(encoder, width, rank, bits), decoder: roundBlocks(decoder, rank, width, bits) };
}

const dense = (name: string, layers: readonly FloatLayer[], lesson: Lesson): Structure => ({
  name: `${name} ${layers
    .slice(0, -1)
    .map(({ outputs }) => outputs)
    .join('-')}`,
  family: 'dense',
  zeros: shareOfZeros(layers.map(({ weights }) => weights)),
  in: (precision) => [{ layers: roundedOn(layers, precision, lesson) }],
});

/** INT4 and INT2 layer by layer, each rounded for what the rounded ones before it give. */
function roundedOn(layers: readonly FloatLayer[], precision: Precision, { rows }: Lesson): readonly Layer[] {
  if (precision === 'fp32' || precision === 'int8') return roundLayers(layers, precision);
  const rounded: Layer[] = [];
  layers.reduce((input, layer) => {
    const { inputs, outputs, weights } = layer;
    const next: Layer = {
      ...layer,
      weights: roundBlocks(weights, inputs, outputs, precision === 'int4' ? 4 : 2, gram(input), blockOf(inputs)),
    };
    rounded.push(next);
    return throughLayer(next, input);
  }, rows);
  return rounded;
}
