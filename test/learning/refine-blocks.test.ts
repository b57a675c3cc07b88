import { describe, expect, it } from 'vitest';
import { columnMeans, matrix } from '../../src/learning/matrix.ts';
import { type BlockWeights, quantizeLinearBlocks, unpackBlocks } from '../../src/learning/quantize-blocks.ts';
import { refineBlocks } from '../../src/learning/refine-blocks.ts';
import { centredRows, principalComponents } from '../../src/learning/training/linear-family.ts';
import { syntheticRows } from '../support/synthetic-machine.ts';

const width = 40;
const rowsOf = (seed: number) => matrix(600, width, Float64Array.from(syntheticRows({ rows: 600 * 5, channels: 8, seed })));
const data = rowsOf(3);
const centre = columnMeans(data);
const weights = { centre, width, ...principalComponents(data, centre) };
const { rank } = weights;
const centred = centredRows(data, centre);

function reconstructed(inputs: Float32Array, encoder: ArrayLike<number>, decoder: ArrayLike<number>): Float64Array {
  const result = new Float64Array(inputs.length);
  for (let i = 0; i < inputs.length / width; i++) {
    for (let k = 0; k < rank; k++) {
      let code = 0;
      for (let j = 0; j < width; j++) code += (inputs[i * width + j] as number) * (encoder[j * rank + k] as number);
      for (let j = 0; j < width; j++) result[i * width + j] = (result[i * width + j] as number) + code * (decoder[k * width + j] as number);
    }
  }
  return result;
}

/** Squared distance from what the float network gives, over the square of the inputs. */
function distance(inputs: Float32Array, { encoder, decoder }: BlockWeights): number {
  const ours = reconstructed(inputs, unpackBlocks(encoder), unpackBlocks(decoder));
  const float = reconstructed(inputs, weights.encoder, weights.decoder);
  const squares = inputs.reduce((sum, value) => sum + value * value, 0);
  return ours.reduce((sum, value, at) => sum + (value - (float[at] as number)) ** 2, 0) / squares;
}

describe('refined weights of two bits', () => {
  const rounded = quantizeLinearBlocks(weights, centred, 2);
  const refined = refineBlocks(rounded, weights, centred);

  it('are nearer to the float network, on rows they were not fitted to as well', () => {
    expect(distance(centred, refined)).toBeLessThan(0.8 * distance(centred, rounded));
    const others = centredRows(rowsOf(4), centre);
    expect(distance(others, refined)).toBeLessThan(0.9 * distance(others, rounded));
  });

  it('are nearer where no row has ever been', () => {
    const everywhere = Float32Array.from({ length: width * width }, (_, at) => Number(at % width === Math.floor(at / width)));
    expect(distance(everywhere, refined)).toBeLessThan(0.9 * distance(everywhere, rounded));
  });

  it('have the size and the levels of two bits still', () => {
    for (const part of ['encoder', 'decoder'] as const) {
      expect(refined[part].packed).toHaveLength(rounded[part].packed.length);
      expect(refined[part].scale).toHaveLength(rounded[part].scale.length);
    }
    expect(
      new Set(
        unpackBlocks(refined.encoder)
          .slice(0, 16 * rank)
          .filter((_, at) => at % rank === 0),
      ).size,
    ).toBeLessThanOrEqual(4);
  });

  it('stay as they are where nothing is better', () => {
    const exact = {
      centre,
      width,
      rank,
      encoder: unpackBlocks(refined.encoder),
      decoder: unpackBlocks(refined.decoder),
    };
    const again = refineBlocks(refined, exact, centred);
    expect(again.encoder.packed).toEqual(refined.encoder.packed);
    expect(again.decoder.packed).toEqual(refined.decoder.packed);
  });
});
