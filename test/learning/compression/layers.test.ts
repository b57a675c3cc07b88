import { describe, expect, it } from 'vitest';
import { gaussian, seededRandom } from '../../../src/core/seeded-random.ts';
import { forward } from '../../../src/learning/compression/forward.ts';
import { type FloatLayer, type LayerPrecision, layeredNetwork, roundLayers } from '../../../src/learning/compression/layers.ts';
import { matrix } from '../../../src/learning/matrix.ts';
import { createSession, floatTensor } from '../../../src/learning/runtime.ts';
import { GraphBuilder } from '../../../src/onnx/graph-builder.ts';

const widths = [128, 64, 16, 64, 128];
const normal = gaussian(seededRandom(4));
const layers = widths.slice(1).map((outputs, i): FloatLayer => {
  const inputs = widths[i] as number;
  const weights = Float32Array.from({ length: inputs * outputs }, () => Math.sqrt(2 / inputs) * normal());
  return { inputs, outputs, rectified: i !== 1 && i !== 3, weights };
});
const rows = Float32Array.from({ length: 32 * 128 }, normal);

async function through(precision: LayerPrecision, values: Float32Array): Promise<{ bytes: number; given: Float32Array }> {
  const graph = new GraphBuilder('network');
  const window = graph.input('window', 'float', ['batch', 128]);
  graph.output(layeredNetwork(graph, window, roundLayers(layers, precision)), 'given', 'float', ['batch', 128]);
  const model = graph.model();
  const session = await createSession(model);
  const { given } = await session.run({ window: await floatTensor(values, [32, 128]) });
  await session.release();
  return { bytes: model.length, given: given?.data as Float32Array };
}

/** Root mean square of the difference beside that of what is wanted. */
function distance(given: ArrayLike<number>, wanted: ArrayLike<number>): number {
  let [error, size] = [0, 0];
  for (let i = 0; i < wanted.length; i++) {
    error += ((given[i] as number) - (wanted[i] as number)) ** 2;
    size += (wanted[i] as number) ** 2;
  }
  return Math.sqrt(error / size);
}

describe('layeredNetwork', () => {
  it.each([
    ['fp32', 1e-6, 1],
    ['int8', 0.05, 3.3],
    ['int4', 0.35, 5.5],
    ['int2', 1.2, 8],
  ] as const)('gives in %s what float gives, as far as its bits allow, and is smaller', async (precision, tolerance, smaller) => {
    const wanted = forward(layers, matrix(32, 128, Float64Array.from(rows))).at(-1)?.values ?? [];
    const { given, bytes } = await through(precision, rows);
    expect(distance(given, wanted)).toBeLessThan(tolerance);
    // The rounding that is told of is the one that runs.
    const rounded = forward(roundLayers(layers, precision), matrix(32, 128, Float64Array.from(rows))).at(-1)?.values ?? [];
    expect(distance(given, rounded)).toBeLessThan(precision === 'int8' ? 0.05 : 1e-4);
    expect((await through('fp32', rows)).bytes / bytes).toBeGreaterThanOrEqual(smaller);
  });

  it('clips nothing in INT8, however far off a row is', async () => {
    const far = rows.map((value, at) => (Math.floor(at / 128) % 2 === 0 ? value * 1e4 : value));
    const [near, off] = [(await through('int8', rows)).given, (await through('int8', far)).given];
    const scaled = near.map((value, at) => (Math.floor(at / 128) % 2 === 0 ? value * 1e4 : value));
    expect(distance(off, scaled)).toBeLessThan(0.02);
    for (let at = 128; at < 256; at++) expect(off[at]).toBe(near[at]);
  });
});
