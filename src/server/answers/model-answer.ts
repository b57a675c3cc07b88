import { z } from 'zod';
import { manifestSchema } from '../../core/manifest.ts';

const ms = () => z.number();
const tally = z.object({ rows: z.int(), alarmRows: z.int(), alarms: z.int(), warnings: z.int() });

const candidate = z
  .object({ bundle: z.string(), reason: z.string(), tally: z.object({ active: tally, candidate: tally }) })
  .nullable()
  .describe('What judges beside the model in force, unheard.');

/** What an asset has learnt and waits for. */
export const learning = z.object({
  stage: z.enum(['none', 'provisional', 'established']),
  text: z.string(),
  found: z
    .object({
      stops: z.object({ when: z.string(), share: z.number() }).exactOptional(),
      idle: z.object({ load: z.string(), share: z.number() }).exactOptional(),
    })
    .describe('Ways of running that nobody has named yet.'),
  failure: z.string().nullable().describe('Why the last try to learn came to nothing.'),
  seenMs: ms(),
  wantedMs: ms(),
  progress: z.object({ doing: z.string(), done: z.number(), of: z.number(), leftMs: z.number().nullable() }).nullable(),
  candidate,
});

const { measured, selfTest, precision } = manifestSchema.shape;

/** Models of an asset: in force, before, at hand. */
export const assetModels = z.object({
  asset: z.string(),
  learns: z.boolean(),
  inForce: z
    .object({ bundle: z.string(), previous: z.string().nullable(), by: z.string().nullable(), pinned: z.boolean().exactOptional() })
    .nullable(),
  candidate,
  stored: z.array(
    z.object({
      bundle: z.string(),
      version: z.string(),
      stage: z.enum(['provisional', 'established', 'installed']),
      precision,
      createdAt: z.string(),
      rows: z.int(),
      fromMs: ms().nullable(),
      toMs: ms().nullable(),
      measured: measured.unwrap().nullable(),
      limit: z.number(),
      largestHealthy: z.number(),
      calibratedOn: z.number(),
      selfTest: selfTest.unwrap().nullable(),
    }),
  ),
});

/** Models of an asset on the same history. */
export const modelComparison = z.object({
  asset: z.string(),
  fromMs: ms(),
  toMs: ms(),
  runningMs: ms(),
  faults: z.int(),
  notFaults: z.int(),
  agreement: z.number().describe('Share of rows in which all say the same.'),
  models: z.array(
    z.object({
      version: z.string(),
      precision: z.string(),
      rows: z.int(),
      alarms: z.int(),
      alarmRows: z.int(),
      warningRows: z.int(),
      median: z.number(),
      p99: z.number(),
      selfTest: z.number().nullable(),
      faultsFound: z.int(),
      falseRepeated: z.int(),
      episodes: z.array(z.object({ fromMs: ms(), toMs: ms(), channel: z.string().nullable() })),
    }),
  ),
});

export const bundleNamed = z.object({ bundle: z.string() });
