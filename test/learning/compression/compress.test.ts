import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadBundle, writeBundle } from '../../../src/bundles/index.ts';
import type { LoadedBundle } from '../../../src/core/manifest.ts';
import { gaussian, seededRandom } from '../../../src/core/seeded-random.ts';
import { WindowBatchBuilder } from '../../../src/core/window.ts';
import { type Compressed, compressBundle, loadTracking, nextBeside } from '../../../src/learning/compression/compress.ts';
import { lessonOf, linearStudent } from '../../../src/learning/compression/distil.ts';
import { forward } from '../../../src/learning/compression/forward.ts';
import { chooseFrom } from '../../../src/learning/compression/frontier.ts';
import { frontierPlot } from '../../../src/learning/compression/frontier-plot.ts';
import type { FloatLayer } from '../../../src/learning/compression/layers.ts';
import { fewerComponents, fewerUnits, shareOfZeros, smallestToZero } from '../../../src/learning/compression/prune.ts';
import { areaUnderCurve, rankCorrelation } from '../../../src/learning/compression/rank-statistics.ts';
import { matrix } from '../../../src/learning/matrix.ts';
import { bundleOf } from '../../../src/learning/tracking/bundle.ts';
import type { History } from '../../../src/learning/tracking/history.ts';
import { learningSet, learnTracking } from '../../../src/learning/tracking/learn.ts';
import { reconstructionError } from '../../../src/learning/training/linear-family.ts';
import { createScorer } from '../../../src/scoring/index.ts';
import { syntheticRows } from '../../support/synthetic-machine.ts';
import { sharedDirectory } from '../../support/temporary-directory.ts';
import { trainedBundle } from '../../support/trained-bundle.ts';

const folder = sharedDirectory();
const [rows, channels] = [1500, 6];
const history: History = {
  channels: Array.from({ length: channels }, (_, c) => `sensor-${c}`),
  stepMs: 1000,
  runs: [{ rows, values: syntheticRows({ rows, channels, seed: 8 }) }],
};
const whole = join(folder, 'machine', '1.0.0');
let bundle: LoadedBundle;
let compressed: Compressed;
const target = 9_000;

beforeAll(async () => {
  const learnt = await learnTracking(history, ['fp32']);
  const made = await bundleOf(learnt, 'fp32', { id: 'machine', version: '1.0.0', stepMs: 1000, fromMs: null, toMs: null });
  await writeBundle(whole, {
    manifest: made.manifest,
    model: made.model,
    golden: made.golden,
    card: '# Test\n',
    ...(made.detector && { detector: made.detector }),
  });
  bundle = await loadTracking(whole);
  compressed = await compressBundle({
    bundle,
    history,
    fromMs: null,
    toMs: null,
    wanted: { bytes: target },
    out: await nextBeside(whole, bundle.manifest.version),
    budgetPerDay: undefined,
  });
}, 60_000);

describe('compressBundle', () => {
  it('writes what fits as the next version, and it is served', async () => {
    const { manifest, chosen, sameHistory } = compressed;
    expect(manifest).toMatchObject({
      id: 'machine',
      version: '1.0.1',
      parent: 'machine@1.0.0',
      family: chosen.structure.family,
      precision: chosen.precision,
    });
    expect(sameHistory).toBe(true);
    const small = await loadBundle(join(folder, 'machine', '1.0.1'));
    expect(small.model.length).toBeLessThanOrEqual(target);
    expect(bundle.model.length).toBeGreaterThan(2 * target);
    expect(small.detector?.calibration.members).toBe(1);
    const scorer = await createScorer(small);
    const { length } = small.manifest;
    const batch = new WindowBatchBuilder(length, channels);
    for (const [w, window] of small.golden.windows.entries()) batch.values.set(window, batch.open(0, w));
    const { value } = await scorer.score(batch);
    await scorer.dispose();
    for (const [w, score] of small.golden.scores.entries()) expect(value[w]).toBeCloseTo(score, 3);
  });

  it('measures every way in every precision against the float ensemble', () => {
    const { candidates } = compressed;
    const first = candidates.find(({ structure, precision }) => structure.name.startsWith('ensemble') && precision === 'fp32');
    expect(first).toMatchObject({ loss: 0, sameVerdict: 1 });
    expect(first?.rankAgreement).toBeCloseTo(1, 9);
    expect(first?.areaUnderCurve).toBeGreaterThan(0.8);
    expect(new Set(candidates.map(({ structure }) => structure.name.replace(/ [\d/-]+$/, '')))).toEqual(
      new Set(['ensemble', 'pruned', '50 % zeros', 'student', 'ReLU student', 'ReLU pruned']),
    );
    const int8 = candidates.find(({ structure, precision }) => structure.name.startsWith('ensemble') && precision === 'int8');
    expect(int8?.rankAgreement).toBeGreaterThan(0.98);
    expect(int8?.bytes).toBeLessThan((first?.bytes ?? 0) * 0.6);
    for (const one of candidates) expect(one.cost.batch).toBeLessThan(one.cost.alone);
    expect(
      candidates
        .filter(({ structure }) => structure.name.startsWith('50 % zeros'))
        .map(({ structure }) => Math.round(structure.zeros * 10)),
    ).toEqual([5, 5, 5, 5]);
    expect(candidates.some(({ onFrontier }) => onFrontier)).toBe(true);
  });

  it('puts the table into the CARD and draws the frontier', () => {
    const { candidates, chosen } = compressed;
    const card = readFileSync(join(folder, 'machine', '1.0.1', 'CARD.md'), 'utf8');
    expect(card.match(/^\|[^|]*\| (ensemble|pruned|50 %|student|ReLU)/gm)).toHaveLength(candidates.length);
    expect(card).toContain(`| → | ${chosen.structure.name} | ${chosen.precision} |`);
    const picture = frontierPlot('a < b', candidates, chosen, { bytes: target });
    expect(picture.match(/<title>/g)).toHaveLength(candidates.length);
    expect(picture).toContain('a &lt; b');
    expect(picture).not.toMatch(/NaN|Infinity/);
  });

  const failing = (changes: Partial<Parameters<typeof compressBundle>[0]>) =>
    compressBundle({
      bundle,
      history,
      fromMs: null,
      toMs: null,
      wanted: {},
      out: join(folder, 'machine', '9.0.0'),
      budgetPerDay: undefined,
      ...changes,
    });

  it('says what a history lacks, and what is no tracking detector', async () => {
    await expect(failing({ history: { ...history, channels: history.channels.map((tag) => tag.replace('-5', '-x')) } })).rejects.toThrow(
      /no column sensor-5/,
    );
    const fixed = await trainedBundle({ folder, id: 'fixed', length: 12, channels: 4, precision: 'int8' });
    await expect(loadTracking(fixed.directory)).rejects.toThrow(/fixed-window model/);
    await expect(failing({ out: whole })).rejects.toThrow(/exists already/);
  });
});

describe('chooseFrom', () => {
  it('takes the least loss within bytes and time, of those alike the one that agrees best; the smallest within a loss', () => {
    const one = (bytes: number, alone: number, loss: number, rankAgreement: number) => ({
      bytes,
      cost: { alone, batch: 1 },
      loss,
      rankAgreement,
    });
    const [a, b, c, d] = [one(100, 10, 0.2, 0.99), one(200, 50, 0.011, 0.9), one(300, 10, 0.013, 0.95), one(400, 10, -0.1, 0.8)];
    const all = [a, b, c, d];
    expect(chooseFrom(all, { bytes: 350 })).toBe(c);
    expect(chooseFrom(all, { bytes: 250 })).toBe(b);
    expect(chooseFrom(all, { bytes: 250, microseconds: 20 })).toBe(a);
    expect(chooseFrom([...all, one(400, 10, 0.004, 0.9)], { bytes: 500 })).toMatchObject({ rankAgreement: 0.9 });
    expect(chooseFrom(all, { loss: 0.3 })).toBe(a);
    expect(chooseFrom(all, { loss: 0.012 })).toBe(b);
    expect(chooseFrom(all, { bytes: 50 })).toBeUndefined();
  });
});

describe('pruning and distillation', () => {
  const set = learningSet(history);
  const network = set.networks[1] as (typeof set.networks)[number];

  it('drops the components that matter least', () => {
    const half = fewerComponents(network, 0.5);
    expect(half.rank).toBe(Math.round(network.rank / 2));
    const worst = {
      ...half,
      encoder: Float32Array.from(
        half.encoder,
        (_, at) => network.encoder[Math.floor(at / half.rank) * network.rank + network.rank - half.rank + (at % half.rank)] as number,
      ),
      decoder: network.decoder.slice((network.rank - half.rank) * network.width),
    };
    expect(reconstructionError(set.refitting, half)).toBeLessThan(reconstructionError(set.refitting, worst));
  });

  it('sets the smallest weights to zero, and what is left makes up for it', () => {
    const thinned = smallestToZero(network, 0.5, set.refitting);
    expect(shareOfZeros([thinned.encoder, thinned.decoder])).toBeCloseTo(0.5, 1);
    const untuned = {
      ...network,
      encoder: thinned.encoder,
      decoder: Float32Array.from(network.decoder, (value, at) => (thinned.decoder[at] === 0 ? 0 : value)),
    };
    expect(reconstructionError(set.refitting, thinned)).toBeLessThan(reconstructionError(set.refitting, untuned));
  });

  it('keeps the units that carry the network', () => {
    const normal = gaussian(seededRandom(1));
    const data = matrix(50, 4, Float64Array.from({ length: 200 }, normal));
    // Of four units the second and the fourth send nothing on.
    const first: FloatLayer = { inputs: 4, outputs: 4, rectified: true, weights: Float32Array.from({ length: 16 }, normal) };
    const second: FloatLayer = {
      inputs: 4,
      outputs: 4,
      rectified: false,
      weights: Float32Array.from({ length: 16 }, (_, at) => (Math.floor(at / 4) % 2 === 0 ? normal() : 0)),
    };
    const pruned = fewerUnits([first, second], 0.5, data);
    expect(pruned.map(({ inputs, outputs }) => [inputs, outputs])).toEqual([
      [4, 2],
      [2, 4],
    ]);
    expect(forward(pruned, data).at(-1)).toEqual(forward([first, second], data).at(-1));
  });

  it('teaches a linear student of full rank everything the ensemble does', () => {
    const lesson = lessonOf(set.networks, set.refitting);
    const rank = Math.max(...set.networks.map((one) => one.rank));
    const { encoder, decoder } = linearStudent(lesson, rank, network.centre);
    const layers: FloatLayer[] = [
      { inputs: network.width, outputs: rank, rectified: false, weights: encoder },
      { inputs: rank, outputs: network.width, rectified: false, weights: decoder },
    ];
    const given = forward(layers, lesson.rows).at(-1)?.values ?? new Float64Array();
    expect(Math.max(...given.map((value, at) => Math.abs(value - (lesson.teacher.values[at] as number))))).toBeLessThan(1e-2);
  });
});

describe('rank statistics', () => {
  it('are those of the textbook', () => {
    expect(rankCorrelation([1, 2, 3, 4], [10, 20, 30, 40])).toBeCloseTo(1);
    expect(rankCorrelation([1, 2, 3, 4], [4, 3, 2, 1])).toBeCloseTo(-1);
    expect(rankCorrelation([106, 100, 86, 101, 99, 103, 97, 113, 112, 110], [7, 27, 2, 50, 28, 29, 20, 12, 6, 17])).toBeCloseTo(-0.1758, 4);
    expect(areaUnderCurve([1, 2, 3], [4, 5])).toBe(1);
    expect(areaUnderCurve([1, 2], [1, 2])).toBe(0.5);
    expect(areaUnderCurve([1, 3], [2, 4])).toBe(0.75);
  });
});
