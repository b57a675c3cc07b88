import { join } from 'node:path';
import { loadBundle, writeBundle } from '../../src/bundles/index.ts';
import type { LoadedBundle, ModelManifest } from '../../src/core/manifest.ts';
import { fitDetector } from '../../src/learning/fit.ts';
import { goldenOf } from '../../src/learning/probes.ts';
import { syntheticSplit } from './synthetic-machine.ts';

export interface TrainedBundleOptions {
  readonly folder: string;
  readonly length: number;
  readonly channels: number;
  readonly precision: 'fp32' | 'int8';
  readonly id?: string;
}

/** A bundle of the synthetic machine, written and loaded again. */
export async function trainedBundle({ folder, length, channels, precision, id = 'machine' }: TrainedBundleOptions): Promise<LoadedBundle> {
  const split = syntheticSplit({ rows: 1200, channels, seed: 3 }, length);
  const { shipped, explainSteps } = await fitDetector(split, { length, precision, seed: 1, epochs: 1 });
  const { limit, ...calibration } = shipped.calibration;
  const manifest: Omit<ModelManifest, 'files' | 'operators'> = {
    format: 'fettle-bundle/1',
    id,
    version: '1.0.0',
    createdAt: '2026-01-01T00:00:00.000Z',
    channels: Array.from({ length: channels }, (_, c) => ({
      tag: `sensor-${c}`,
      mean: split.mean[c] as number,
      deviation: split.deviation[c] as number,
      residualDeviation: shipped.residualDeviation[c] as number,
    })),
    stepMs: 1000,
    length,
    slide: 1,
    explainSteps,
    precision,
    family: 'linear',
    limit,
    calibration,
    training: { fromMs: null, toMs: null, rows: 1200, windows: split.learning.length, dataHash: 'none', seed: 1, gatewayVersion: '0.1.0' },
    parent: null,
    minimumGatewayVersion: '0.1.0',
    opset: 21,
  };
  const directory = join(folder, id, '1.0.0');
  await writeBundle(directory, { manifest, model: shipped.model, golden: await goldenOf(shipped.model, split, length), card: '# Test\n' });
  return loadBundle(directory);
}
