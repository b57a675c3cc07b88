import { createHash } from 'node:crypto';
import { gatewayVersion } from '../../core/gateway-version.ts';
import { bundleFormat, bundleReadableSince, type LoadedBundle, type ModelManifest } from '../../core/manifest.ts';
import type { Worth } from '../compression/worth.ts';
import { goldenFor } from '../probes.ts';
import type { Learnt, Precision } from './learn.ts';

export interface BundleFacts {
  readonly id: string;
  readonly version: string;
  readonly stepMs: number;
  /** Of the rows it was learnt from; null where they have no time. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
  /** Channel to engineering unit. */
  readonly units?: Readonly<Record<string, string>>;
  readonly parent?: string;
  readonly stage?: 'provisional' | 'established';
  readonly running?: ModelManifest['running'];
  readonly idle?: ModelManifest['idle'];
}

/** The learnt model in one precision with all that stands around it, as a bundle that is not on a disk yet. */
export async function bundleOf(
  learnt: Learnt,
  precision: Precision,
  facts: BundleFacts,
  worth: ReadonlyMap<Precision, Worth> = new Map(),
): Promise<LoadedBundle> {
  const { history, tracked, length } = learnt;
  const model = learnt.models.get(precision);
  if (model === undefined) throw new RangeError(`nothing was learnt in ${precision}`);
  const { detector, graph, limit, method, blocks, windows, medianRatio, maxRatio, residualDeviation } = model;
  const { quantile, margin } = detector.calibration;
  const manifest: ModelManifest = {
    format: bundleFormat,
    id: facts.id,
    version: facts.version,
    createdAt: new Date().toISOString(),
    channels: history.channels.map((tag, c) => ({
      tag,
      ...(facts.units?.[tag] !== undefined && { engineeringUnit: facts.units[tag] }),
      mean: tracked.mean[c] as number,
      deviation: tracked.deviation[c] as number,
      residualDeviation: residualDeviation[c] as number,
    })),
    stepMs: facts.stepMs,
    length,
    slide: 1,
    explainSteps: Math.min(3, length),
    precision,
    family: learnt.family,
    limit,
    calibration: {
      method,
      windows,
      blocks,
      quantile,
      margin,
      medianRatio,
      maxRatio,
    },
    training: {
      fromMs: facts.fromMs,
      toMs: facts.toMs,
      rows: history.rows,
      windows: learnt.learningWindows,
      dataHash: createHash('sha256').update(new Uint8Array(tracked.standardized.buffer)).digest('hex'),
      seed: 0,
      gatewayVersion: gatewayVersion,
    },
    ...(worth.size > 0 && { measured: [...worth].map(measuredOf) }),
    ...(model.selfTest !== undefined && { selfTest: { share: model.selfTest.share, blind: [...model.selfTest.blind] } }),
    ...(facts.stage !== undefined && { stage: facts.stage }),
    ...(facts.running !== undefined && { running: facts.running }),
    ...(facts.idle !== undefined && { idle: facts.idle }),
    parent: facts.parent ?? null,
    minimumGatewayVersion: bundleReadableSince,
    opset: 21,
    operators: [],
    files: [],
  };
  const golden = await goldenFor(graph, learnt.unseen, { length, channels: history.channels.length }, tracked.deviation);
  return { directory: '', manifest, model: graph, golden, detector };
}

const measuredOf = ([precision, { bytes, cost, rankAgreement, sameVerdict, loss }]: readonly [Precision, Worth]): NonNullable<
  ModelManifest['measured']
>[number] => ({ precision, bytes, usAlone: cost.alone, usInBatch: cost.batch, rankAgreement, sameVerdict, loss });
