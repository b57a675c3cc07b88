import { z } from 'zod';
import type { DetectorParameters } from './detector.ts';

export const bundleFormat = 'fettle-bundle/1';
/** First version that reads what this one writes: to be raised with every key or file that versions before would refuse. */
export const bundleReadableSince = '0.1.0';

/** DESIGN section 6: what a model bundle says of itself. */
export const channelSchema = z.strictObject({
  /** The tag, or the last part of its name, that this input column reads. */
  tag: z.string().min(1),
  engineeringUnit: z.string().optional(),
  /** Mean and deviation of the channel while learning, in engineering units. */
  mean: z.number(),
  deviation: z.number().positive(),
  /** Deviation of (observed − expected) while learning, in engineering units: the band shown to people is ± 3 of these. */
  residualDeviation: z.number().nonnegative(),
});

export const manifestSchema = z.strictObject({
  format: z.literal(bundleFormat),
  id: z.string().regex(/^[a-z0-9][a-z0-9._-]*$/),
  version: z.string().regex(/^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/),
  createdAt: z.iso.datetime(),
  channels: z.array(channelSchema).min(1).max(1024),
  stepMs: z.number().positive(),
  length: z.int().positive().max(65_536),
  slide: z.int().positive(),
  /** `observed` and `expected` are means over this many last steps of the window. */
  explainSteps: z.int().positive(),
  precision: z.enum(['fp32', 'int8', 'int4', 'int2']),
  family: z.enum(['linear', 'dense', 'conv1d', 'imported']),
  limit: z.number().positive(),
  calibration: z.strictObject({
    /** How the limit was found, in words. */
    method: z.string(),
    windows: z.int().nonnegative(),
    blocks: z.int().nonnegative(),
    quantile: z.number().min(0).max(1),
    margin: z.number().nonnegative(),
    /** Median and maximum of score / limit on the calibration windows. */
    medianRatio: z.number(),
    maxRatio: z.number(),
  }),
  training: z.strictObject({
    fromMs: z.number().nullable(),
    toMs: z.number().nullable(),
    rows: z.int().nonnegative(),
    windows: z.int().nonnegative(),
    /** sha256 over the learning rows as they entered the model. */
    dataHash: z.string(),
    seed: z.int(),
    gatewayVersion: z.string(),
  }),
  /** By precision, on the machine that learnt it: bytes of the graph, µs a window alone and in batches of 256 (one thread), agreement with fp32 on unseen windows and the same with steps, and what it loses of the area under the curve. */
  measured: z
    .array(
      z.strictObject({
        precision: z.enum(['fp32', 'int8', 'int4', 'int2']),
        bytes: z.int().positive(),
        usAlone: z.number().nonnegative(),
        usInBatch: z.number().nonnegative(),
        rankAgreement: z.number(),
        sameVerdict: z.number(),
        loss: z.number(),
      }),
    )
    .optional(),
  /** Recognised in what was learnt from, where nobody said when the machine runs: the rows in which it did (an expression like `running.when`), how long a start takes, and the share of the rows it stood still. */
  running: z.strictObject({ when: z.string().min(1), settleMs: z.number().nonnegative(), offShare: z.number().min(0).max(1) }).optional(),
  /** Recognised, not acted upon: two ways of running, told apart by this expression, and the share of the rows in which it is not true. */
  idle: z.strictObject({ load: z.string().min(1), share: z.number().min(0).max(1) }).optional(),
  /** What it said of its own last learning rows with a step of four deviations in one channel at a time: the share that raised an alarm, and the channels that did not. */
  selfTest: z.strictObject({ share: z.number().min(0).max(1), blind: z.array(z.string()) }).optional(),
  /** Learnt by a gateway on its own: from the first stretch that is enough to begin with, or from one that is enough to trust. */
  stage: z.enum(['provisional', 'established']).optional(),
  parent: z.string().nullable(),
  minimumGatewayVersion: z.string(),
  opset: z.int(),
  operators: z.array(z.string()),
  files: z.array(
    z.strictObject({
      path: z.string().regex(/^[A-Za-z0-9._-]+$/),
      length: z.int().nonnegative(),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
});

export type Channel = z.infer<typeof channelSchema>;
export type ModelManifest = z.infer<typeof manifestSchema>;

/** `press@1.0.0` */
export const modelName = (manifest: Pick<ModelManifest, 'id' | 'version'>): string => `${manifest.id}@${manifest.version}`;

/** Windows and the scores they must give: how a load finds out that runtime and file agree. */
export const goldenSchema = z.strictObject({
  /** Relative difference a score may have: integer kernels differ a little between CPUs. */
  tolerance: z.number().positive().max(0.1),
  windows: z.array(z.array(z.number())).min(1).max(256),
  scores: z.array(z.number().nonnegative()).min(1),
});
export type Golden = z.infer<typeof goldenSchema>;

/** A bundle whose files are whole and whose graph is harmless; not run yet. */
export interface LoadedBundle {
  readonly directory: string;
  readonly manifest: ModelManifest;
  readonly model: Uint8Array;
  readonly golden: Golden;
  /** `detector.json` of a tracking model. */
  readonly detector?: DetectorParameters;
}
