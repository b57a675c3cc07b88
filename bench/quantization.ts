import { gaussian, seededRandom } from '../src/core/seeded-random.ts';
import { type FloatLayer, type LayerPrecision, layeredNetwork, roundLayers } from '../src/learning/compression/layers.ts';
import { createSession, floatTensor } from '../src/learning/runtime.ts';
import { GraphBuilder } from '../src/onnx/graph-builder.ts';
import { type BenchRow, median } from './support/row.ts';

const networks = [
  [512, 256, 64, 16, 64, 256, 512],
  [2048, 1024, 256, 64, 256, 1024, 2048],
];
const smallerBy: readonly (readonly [LayerPrecision, number])[] = [
  ['int8', 3.8],
  ['int4', 6.5],
  ['int2', 11],
];
const fasterBy = 1.8;
const batch = 256;
const rounds = 9;
const roundMs = 300;

/** Bytes of the model file and windows a second of wide ReLU autoencoders, against float32: one thread, batches of 256, medians of nine rounds, the two in turn. */
export async function benchQuantization(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const widths of networks) {
    const layers = heLayers(widths);
    const float = graphOf(layers, 'fp32');
    for (const [precision, target] of smallerBy) {
      const bytes = graphOf(layers, precision).length;
      const ratio = float.length / bytes;
      rows.push({
        name: `${precision}-${widths[0]}`,
        value: bytes,
        unit: `bytes of ${widths.join('-')}, fp32 beside it`,
        limit: float.length,
        ratio,
        target,
        reached: ratio >= target,
      });
    }
  }
  rows.push(await speed(networks[1] as number[]));
  return rows;
}

async function speed(widths: readonly number[]): Promise<BenchRow> {
  const layers = heLayers(widths);
  const normal = gaussian(seededRandom(5));
  const width = widths[0] as number;
  const values = await floatTensor(Float32Array.from({ length: batch * width }, normal), [batch, width]);
  const sessions = [await createSession(graphOf(layers, 'int8')), await createSession(graphOf(layers, 'fp32'))] as const;
  const [int8, fp32] = sessions;
  const rate = async (session: typeof int8): Promise<number> => {
    const began = performance.now();
    let runs = 0;
    for (; performance.now() - began < roundMs; runs++) await session.run({ window: values });
    return (runs * batch * 1000) / (performance.now() - began);
  };
  for (const session of sessions) await rate(session);
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    ours.push(await rate(int8));
    theirs.push(await rate(fp32));
  }
  for (const session of sessions) await session.release();
  const [value, limit] = [median(ours), median(theirs)];
  return {
    name: 'int8-speed',
    value,
    unit: `windows/s at batch ${batch}, fp32 beside it`,
    limit,
    ratio: value / limit,
    target: fasterBy,
    reached: value / limit >= fasterBy,
  };
}

/** Random weights of the right size (He et al. 2015): neither bytes nor speed depend on what they were trained for. */
function heLayers(widths: readonly number[]): FloatLayer[] {
  const normal = gaussian(seededRandom(1));
  const code = widths.indexOf(Math.min(...widths)) - 1;
  return widths.slice(1).map((outputs, i) => {
    const inputs = widths[i] as number;
    const deviation = Math.sqrt(2 / inputs);
    const weights = Float32Array.from({ length: inputs * outputs }, () => deviation * normal());
    return { inputs, outputs, rectified: i !== code && i < widths.length - 2, weights };
  });
}

function graphOf(layers: readonly FloatLayer[], precision: LayerPrecision): Uint8Array {
  const graph = new GraphBuilder('autoencoder');
  const width = (layers[0] as FloatLayer).inputs;
  const window = graph.input('window', 'float', ['batch', width]);
  graph.output(layeredNetwork(graph, window, roundLayers(layers, precision)), 'reconstruction', 'float', ['batch', width]);
  return graph.model();
}

if (import.meta.main) console.info(await benchQuantization());
