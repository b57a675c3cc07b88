import { describe, expect, it } from 'vitest';
import { gaussian, seededRandom } from '../../src/core/seeded-random.ts';
import { columnMeans, matrix } from '../../src/learning/matrix.ts';
import { quantizeLinearBlocks, roundBlocks, unpackBlocks } from '../../src/learning/quantize-blocks.ts';
import { centredRows, principalComponents, reconstructionError } from '../../src/learning/training/linear-family.ts';
import { syntheticRows } from '../support/synthetic-machine.ts';

const width = 40;
const data = (() => {
  const rows = 600;
  const values = syntheticRows({ rows: rows * 5, channels: 8, seed: 3 });
  return matrix(rows, width, Float64Array.from(values));
})();
const centre = columnMeans(data);
const centred = centredRows(data, centre);
const components = principalComponents(data, centre);
const weights = { centre, width, ...components };

const product = (inputs: Float32Array, w: ArrayLike<number>, columns: number): Float64Array => {
  const result = new Float64Array((inputs.length / width) * columns);
  for (let i = 0; i < inputs.length / width; i++)
    for (let j = 0; j < width; j++)
      for (let c = 0; c < columns; c++)
        result[i * columns + c] = (result[i * columns + c] as number) + (inputs[i * width + j] as number) * (w[j * columns + c] as number);
  return result;
};
const squared = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, at) => sum + (value - (b[at] as number)) ** 2, 0);

/** Mean products of the columns. */
const gramOf = () => {
  const gram = matrix(width, width);
  for (let i = 0; i < data.rows; i++)
    for (let a = 0; a < width; a++)
      for (let b = 0; b < width; b++)
        gram.values[a * width + b] =
          (gram.values[a * width + b] as number) + ((centred[i * width + a] as number) * (centred[i * width + b] as number)) / data.rows;
  for (let a = 0; a < width; a++) gram.values[a * width + a] = (gram.values[a * width + a] as number) + 0.05;
  return gram;
};

describe('few bits', () => {
  it('hold no level but those they have, and pack what they hold', () => {
    const normal = gaussian(seededRandom(1));
    const values = Float64Array.from({ length: 24 * 3 }, normal);
    const identity = matrix(24, 24);
    for (let i = 0; i < 24; i++) identity.values[i * 24 + i] = 1;
    for (const bits of [4, 2] as const) {
      const rounded = roundBlocks(values, 24, 3, bits, identity);
      const back = unpackBlocks(rounded);
      const blocks = Math.ceil(24 / rounded.block);
      expect(rounded.packed.length).toBe(3 * blocks * ((rounded.block * bits) / 8));
      back.forEach((value, at) => {
        const scale = rounded.scale[(at % 3) * blocks + Math.floor(Math.floor(at / 3) / rounded.block)] as number;
        const level = value / scale;
        expect(Math.abs(level - Math.round(level))).toBeLessThan(1e-5);
        expect(Math.round(level)).toBeGreaterThanOrEqual(-(2 ** (bits - 1)));
        expect(Math.round(level)).toBeLessThan(2 ** (bits - 1));
      });
      // Nothing correlates, so nothing is made up for: it is plain rounding, at most half a step off inside the range.
      const error = Math.sqrt(values.reduce((sum, value, at) => sum + (value - (back[at] as number)) ** 2, 0) / values.length);
      expect(error).toBeLessThan(bits === 4 ? 0.12 : 0.5);
    }
  });

  it('are rounded against what they will meet: better than each for itself', () => {
    const { encoder, rank } = components;
    const wanted = product(centred, encoder, rank);
    const identity = matrix(width, width);
    for (let i = 0; i < width; i++) identity.values[i * width + i] = 1;
    const plain = squared(product(centred, unpackBlocks(roundBlocks(encoder, width, rank, 2, identity)), rank), wanted);
    const against = squared(product(centred, unpackBlocks(roundBlocks(encoder, width, rank, 2, gramOf())), rank), wanted);
    expect(against).toBeLessThan(plain * 0.7);
  });

  it('reconstruct nearly as the float network does', () => {
    const float = reconstructionError(centred, weights);
    const error = (bits: 4 | 2): number => {
      const { encoder, decoder } = quantizeLinearBlocks(weights, centred, bits);
      return reconstructionError(centred, { ...weights, encoder: unpackBlocks(encoder), decoder: unpackBlocks(decoder) });
    };
    expect(error(4)).toBeLessThan(float * 1.1);
    expect(error(2)).toBeLessThan(float * 2.5);
    expect(error(2)).toBeGreaterThan(error(4));
  });
});
