import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadBundle } from '../../../src/bundles/index.ts';
import { gaussian, seededRandom } from '../../../src/core/seeded-random.ts';
import { WindowBatchBuilder } from '../../../src/core/window.ts';
import { type ImportOptions, type ImportResult, importModel } from '../../../src/learning/compression/import-model.ts';
import { GraphBuilder, type Shape, type Value } from '../../../src/onnx/graph-builder.ts';
import { createScorer } from '../../../src/scoring/index.ts';
import { syntheticRows } from '../../support/synthetic-machine.ts';
import { sharedDirectory } from '../../support/temporary-directory.ts';

const folder = sharedDirectory();
const [length, channels, rows] = [8, 4, 1500];
const width = length * channels;
const history = join(folder, 'history.csv');
const values = syntheticRows({ rows, channels, seed: 5 });

beforeAll(() => {
  const lines = Array.from({ length: rows }, (_, i) => [...values.subarray(i * channels, (i + 1) * channels)].join(','));
  writeFileSync(history, `a,b,c,d\n${lines.join('\n')}\n`);
});

interface Given {
  readonly input?: Shape;
  readonly version?: bigint;
}

/** A model of somebody else's: `body` makes the output of `x`. */
function onnx(body: (graph: GraphBuilder, x: Value) => Value, { input = ['n', length, channels], version = 17n }: Given = {}): string {
  const graph = new GraphBuilder('theirs');
  graph.output(body(graph, graph.input('x', 'float', input)), 'y', 'float');
  const file = join(mkdtempSync(join(folder, 'theirs-')), 'theirs.onnx');
  writeFileSync(file, graph.model(version));
  return file;
}

/** Keeps the mean over the steps of each channel: a crude reconstruction, in whatever units. Dense layers with a bias, one as Gemm with its weights lying down. */
function dense(graph: GraphBuilder, x: Value): Value {
  const normal = gaussian(seededRandom(1));
  const pooled = Float32Array.from({ length: width * width }, (_, at) => {
    const [from, to] = [Math.floor(at / width), at % width];
    return (from % channels === to % channels ? 1 / length : 0) + 1e-4 * normal();
  });
  const even = Float32Array.from({ length: width * width }, (_, at) => Number(Math.floor(at / width) === at % width));
  const code = graph.matmul(graph.reshape(x, [-1, width]), graph.floats(pooled, [width, width]));
  const back = graph.op('Gemm', [code, graph.floats(even, [width, width]), graph.floats(new Float32Array(width), [width])], { transB: 1 });
  return graph.reshape(back, [-1, length, channels]);
}

const score = (graph: GraphBuilder, x: Value): Value =>
  graph.matmul(graph.op('Abs', [graph.reshape(x, [-1, width])]), graph.floats(new Array<number>(width).fill(1 / width), [width, 1]));

let version = 0;
const imported = (file: string, changes: Partial<ImportOptions> = {}): Promise<ImportResult> =>
  importModel({
    file,
    csv: [history],
    time: undefined,
    ignore: [],
    stepMs: 1000,
    slide: 1,
    out: join(folder, 'theirs', `1.0.${version++}`),
    precision: 'fp32',
    standardized: undefined,
    ...changes,
  });

async function scored(directory: string, change: (at: number) => number) {
  const bundle = await loadBundle(directory);
  const scorer = await createScorer(bundle);
  const batch = new WindowBatchBuilder(length, channels);
  for (let w = 0; w < 2; w++) {
    const window = values.slice((rows - 40) * channels, (rows - 40 + length) * channels);
    batch.values.set(w === 0 ? window : window.map((value, at) => value + change(at)), batch.open(0, w));
  }
  const result = await scorer.score(batch);
  await scorer.dispose();
  return { bundle, result };
}

describe('importModel', () => {
  it('serves a reconstruction, calibrated on the history, and knows its units', async () => {
    const out = join(folder, 'recon', '1.0.0');
    const { kind, standardized, manifest } = await imported(onnx(dense), { out });
    expect({ kind, standardized, family: manifest.family, length: manifest.length }).toEqual({
      kind: 'reconstruction',
      standardized: true,
      family: 'imported',
      length,
    });
    // One step of channel b far off: the channel must be named, the window be over the limit, the healthy one below.
    const { result, bundle } = await scored(out, (at) => (at % channels === 1 && at > width - 2 * channels ? 400 : 0));
    expect(result.value[0]).toBeLessThan(bundle.manifest.limit);
    expect(result.value[1]).toBeGreaterThan(bundle.manifest.limit);
    const parts = [...result.contributions.subarray(channels)];
    expect(parts.indexOf(Math.max(...parts))).toBe(1);
    expect(parts.reduce((sum, part) => sum + part, 0)).toBeCloseTo(result.value[1] as number, 0);
    const steps = manifest.explainSteps;
    const mean =
      Array.from({ length: steps }, (_, i) => values[(rows - 40 + length - steps + i) * channels] as number).reduce((a, b) => a + b) /
      steps;
    expect(result.observed[0]).toBeCloseTo(mean, 2);
    expect(readFileSync(join(out, 'CARD.md'), 'utf8')).toContain('Imported from theirs.onnx');
  });

  it('serves a score, shared evenly by the channels', async () => {
    const out = join(folder, 'score', '1.0.0');
    const { kind, standardized } = await imported(onnx(score), { out });
    expect({ kind, standardized }).toEqual({ kind: 'score', standardized: false });
    const { result, bundle } = await scored(out, () => 1000);
    expect(result.value[1]).toBeGreaterThan(bundle.manifest.limit);
    expect([...result.contributions.subarray(channels)]).toEqual(new Array(channels).fill((result.value[1] as number) / channels));
    expect([...result.observed]).toEqual([...result.expected]);
  });

  it.each(['int8', 'int4', 'int2'] as const)('rounds its dense layers to %s, and says what that costs', async (precision) => {
    const wide = (graph: GraphBuilder, x: Value): Value => {
      const normal = gaussian(seededRandom(2));
      const inner = 256;
      const there = Float32Array.from({ length: width * inner }, () => normal() / 16);
      const back = Float32Array.from({ length: width * inner }, (_, at) => there[(at % width) * inner + Math.floor(at / width)] as number);
      const hidden = graph.op('Gemm', [graph.reshape(x, [-1, width]), graph.floats(there, [width, inner])]);
      return graph.reshape(graph.matmul(hidden, graph.floats(back, [inner, width])), [-1, length, channels]);
    };
    const { shipped, float, rounded, agreement, manifest } = await imported(onnx(wide), { precision, standardized: true });
    expect(rounded).toBe(2);
    expect(float.graph.length / shipped.graph.length).toBeGreaterThan({ int8: 2.5, int4: 3.5, int2: 4 }[precision]);
    expect(agreement.sameVerdict).toBeGreaterThan(precision === 'int8' ? 0.95 : 0.6);
    expect(manifest.operators).toContain(precision === 'int8' ? 'DequantizeLinear' : 'MatMulNBits');
  });

  it('takes a recurrent model as exporters write it, with zeros of the size of the batch as its first states', async () => {
    const hidden = 6;
    const normal = gaussian(seededRandom(3));
    const some = (graph: GraphBuilder, shape: readonly number[]): Value =>
      graph.floats(
        Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, () => normal() / 4),
        shape,
      );
    const lstm = (graph: GraphBuilder, x: Value): Value => {
      const batch = graph.op('Gather', [graph.op('Shape', [x]), graph.int64s([0])], { axis: 0 });
      const zeros = graph.op('ConstantOfShape', [graph.op('Concat', [graph.int64s([1]), batch, graph.int64s([hidden])], { axis: 0 })]);
      const weights = [some(graph, [1, 4 * hidden, channels]), some(graph, [1, 4 * hidden, hidden]), graph.zeros([1, 8 * hidden])];
      const steps = graph.op('LSTM', [graph.transpose(x, [1, 0, 2]), ...weights, '', zeros, zeros], { hidden_size: hidden });
      const bySample = graph.transpose(graph.op('Squeeze', [steps, graph.int64s([1])]), [1, 0, 2]);
      return graph.matmul(bySample, some(graph, [hidden, channels]));
    };
    const { kind, manifest } = await imported(onnx(lstm));
    expect(kind).toBe('reconstruction');
    expect(manifest.operators).toContain('LSTM');
    expect(manifest.operators).not.toContain('ConstantOfShape');
    // Other uses of it stay refused.
    await expect(imported(onnx((graph, x) => graph.add(x, graph.op('ConstantOfShape', [graph.int64s([1])]))))).rejects.toThrow(
      /uses the operator ConstantOfShape/,
    );
  });

  const same = (graph: GraphBuilder, x: Value): Value => graph.op('Relu', [x]);
  const wrong: Record<string, readonly [() => Promise<unknown>, RegExp]> = {
    'no ONNX file': [() => imported(history), /is not an ONNX file/],
    'no file at all': [() => imported(join(folder, 'none.onnx')), /cannot be read/],
    'two dimensions': [() => imported(onnx(same, { input: ['n', width] })), /of 2 dimensions/],
    'a fixed batch': [() => imported(onnx(same, { input: [1, length, channels] })), /fixed batch/],
    'a free length': [() => imported(onnx(same, { input: ['n', 'steps', channels] })), /length or channels are free/],
    'other channels than the history': [() => imported(onnx(same), { ignore: ['d'] }), /takes 4 channels, the history has 3: a, b, c/],
    'an operator that is not taken': [() => imported(onnx((graph, x) => graph.op('NonZero', [x]))), /uses the operator NonZero/],
    'an opset from the future': [() => imported(onnx(same, { version: 99n })), /uses opset 99, the newest known is/],
    'an opset from the past': [() => imported(onnx(same, { version: 6n })), /uses opset 6, the oldest/],
    'another output': [() => imported(onnx((graph, x) => graph.reshape(x, [-1, channels]))), /gives \[\d+, 4\] for \d+ windows/],
    'no numbers': [() => imported(onnx((graph, x) => graph.op('Log', [graph.op('Neg', [graph.op('Exp', [x])])]))), /no numbers/],
    'windows that meet': [
      () => imported(onnx((graph, x) => graph.subtract(x, graph.reduce('ReduceMax', x, [0], true)), { version: 21n })),
      /another result alone/,
    ],
    'scores below zero': [() => imported(onnx((graph, x) => graph.op('Neg', [score(graph, x)]))), /scores below 0/],
    'few bits in an old opset': [() => imported(onnx(dense, { version: 11n }), { precision: 'int8' }), /int8 weights need 13/],
  };
  it.each(Object.keys(wrong))('refuses %s', async (name) => {
    const [run, message] = wrong[name] as (typeof wrong)[string];
    await expect(run()).rejects.toThrow(message);
  });
});
