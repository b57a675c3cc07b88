import type { InferenceSession } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Fitted, fitDetector } from '../../src/learning/fit.ts';
import { runGraph } from '../../src/learning/run-graph.ts';
import { createSession, floatTensor } from '../../src/learning/runtime.ts';
import { auc } from '../support/ranking.ts';
import { syntheticRows, syntheticSplit } from '../support/synthetic-machine.ts';

const outputs = ['score', 'contributions', 'observed', 'expected'] as const;
const bits = ({ buffer, byteOffset, byteLength }: Float32Array): Buffer => Buffer.from(buffer, byteOffset, byteLength);
type Outputs = Record<(typeof outputs)[number], Float32Array>;

// Three movements: with four channels no arithmetic could tell which of them is off.
describe.each([
  { length: 64, channels: 8 },
  { length: 32, channels: 5 },
  { length: 61, channels: 6 },
  { length: 6, channels: 7 },
])('the deployed graph, $length steps of $channels channels', ({ length, channels }) => {
  const values = length * channels;
  const fresh = syntheticRows({ rows: 256 + length, channels, seed: 99 });
  let fitted: Fitted;
  const sessions = new Map<'int8' | 'fp32', InferenceSession>();

  beforeAll(async () => {
    fitted = await fitDetector(syntheticSplit({ rows: 1500, channels, seed: 3 }, length), {
      length,
      precision: 'int8',
      seed: 1,
      epochs: 3,
    });
    sessions.set('int8', await createSession(fitted.shipped.model));
    sessions.set('fp32', await createSession(fitted.float.model));
  });
  afterAll(async () => {
    for (const session of sessions.values()) await session.release();
  });

  /** Windows of healthy rows the model has not seen. */
  const windowsOf = (count: number): Float32Array => {
    const windows = new Float32Array(count * values);
    for (let w = 0; w < count; w++) windows.set(fresh.subarray(w * channels, w * channels + values), w * values);
    return windows;
  };
  const run = async (precision: 'int8' | 'fp32', windows: Float32Array): Promise<Outputs> => {
    const results = await (sessions.get(precision) as InferenceSession).run({
      window: await floatTensor(windows, [windows.length / values, length, channels]),
    });
    return Object.fromEntries(outputs.map((name) => [name, results[name]?.data])) as Outputs;
  };

  it.each(['int8', 'fp32'] as const)('explains its score in engineering units (%s)', async (precision) => {
    const windows = windowsOf(20);
    const { score, contributions, observed, expected } = await run(precision, windows);
    for (let w = 0; w < 20; w++) {
      const parts = contributions.subarray(w * channels, (w + 1) * channels);
      expect(parts.reduce((sum, part) => sum + part, 0)).toBeCloseTo(score[w] as number, 4);
      for (let c = 0; c < channels; c++) {
        const last = Array.from({ length: fitted.explainSteps }, (_, i) => windows[w * values + (length - 1 - i) * channels + c] as number);
        const mean = last.reduce((sum, value) => sum + value, 0) / last.length;
        expect(observed[w * channels + c]).toBeCloseTo(mean, 2);
        const band = 6 * (fitted.shipped.residualDeviation[c] as number);
        expect(Math.abs((expected[w * channels + c] as number) - mean)).toBeLessThan(band);
      }
    }
  });

  it.each(['int8', 'fp32'] as const)('points at the channel that is off (%s)', async (precision) => {
    for (let c = 0; c < channels; c++) {
      const window = windowsOf(1);
      for (let s = 0; s < length; s++) window[s * channels + c] = (window[s * channels + c] as number) + 30 * (1 + c);
      const { contributions, score } = await run(precision, window);
      expect(contributions.indexOf(Math.max(...contributions))).toBe(c);
      expect(score[0]).toBeGreaterThan(fitted.shipped.calibration.limit);
    }
  });

  it.each(['int8', 'fp32'] as const)('gives a window the same bits alone and in any company (%s)', async (precision) => {
    const windows = windowsOf(256);
    for (let i = 0; i < values; i++) windows[7 * values + i] = 20 * (windows[7 * values + i] as number);
    const whole = await run(precision, windows);
    for (let batch = 1; batch <= 100; batch++) {
      // The first, one in the middle and the last, shorter one.
      const last = Math.floor(255 / batch) * batch;
      for (const from of [0, batch * Math.floor(last / batch / 2), last]) {
        const part = await run(precision, windows.subarray(from * values, Math.min(256, from + batch) * values));
        for (const name of outputs) {
          const width = name === 'score' ? 1 : channels;
          expect(bits(part[name])).toEqual(bits(whole[name].subarray(from * width, from * width + part[name].length)));
        }
      }
    }
  });

  it.each(['int8', 'fp32'] as const)('lets a NaN spoil its own window only (%s)', async (precision) => {
    const windows = windowsOf(9);
    const clean = await run(precision, windows.slice());
    const cleanScores = [...clean.score];
    windows[4 * values + values - 1] = Number.NaN;
    windows[6 * values] = Number.NaN;
    const { score } = await run(precision, windows);
    expect([...score]).toEqual(cleanScores.map((value, w) => (w === 4 || w === 6 ? Number.NaN : value)));
  });

  it('reconstructs in INT8 what it reconstructs in float, on rows far off as well', async () => {
    const kinds: Record<string, (window: Float32Array, w: number) => void> = {
      normal: () => {},
      'twenty times': (window) => {
        for (let i = 0; i < values; i++) window[i] = (window[i] as number) * 20;
      },
      'one channel off': (window, w) => {
        for (let s = 0; s < length; s++) window[s * channels + (w % channels)] = 1e4;
      },
      'one value off': (window, w) => {
        window[(w * 7) % values] = -1e5;
      },
    };
    for (const [kind, change] of Object.entries(kinds)) {
      const windows = windowsOf(64);
      for (let w = 0; w < 64; w++) change(windows.subarray(w * values, (w + 1) * values), w);
      const float = await run('fp32', windows);
      const int8 = await run('int8', windows);
      let difference = 0;
      let size = 0;
      for (let i = 0; i < float.expected.length; i++) {
        const channel = i % channels;
        const deviation = (1 + channel) * 1.5;
        difference += (((int8.expected[i] as number) - (float.expected[i] as number)) / deviation) ** 2;
        size += (((float.observed[i] as number) - 50 - 10 * channel) / deviation) ** 2;
      }
      expect({ kind, error: Math.sqrt(difference / size) }).toEqual({ kind, error: expect.toSatisfy((error: number) => error < 0.03) });
    }
  });
});

describe('INT8 against float', () => {
  it('ranks faults as float does: |AUC change| ≤ 0.002', async () => {
    const length = 10;
    const channels = 8;
    const fitted = await fitDetector(syntheticSplit({ rows: 1000, channels, seed: 3 }, length), { length, precision: 'int8', seed: 1 });
    const rows = syntheticRows({ rows: 6000, channels, seed: 12 });
    const labels = Float64Array.from({ length: 6000 - length + 1 }, (_, i) => Number((i + length - 1) % 600 >= 300));
    // Faults so small that ranking them is hard: a little above the noise, in one channel after the other.
    for (let i = 0; i < 6000; i++) {
      const channel = Math.floor(i / 600) % channels;
      if (i % 600 >= 300) rows[i * channels + channel] = (rows[i * channels + channel] as number) + 0.5 * (1 + channel);
    }
    const windows = { rows, offsets: Array.from(labels.keys(), (i) => i * channels), length, channels };
    const float = auc((await runGraph(fitted.float.model, windows)).score, labels);
    const int8 = auc((await runGraph(fitted.shipped.model, windows)).score, labels);
    expect(float).toBeGreaterThan(0.6);
    expect(float).toBeLessThan(0.97);
    expect(Math.abs(int8 - float)).toBeLessThan(0.002);
  });
});
