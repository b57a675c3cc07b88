import { z } from 'zod';
import { lanes } from '../../core/sink.ts';
import { assetState } from './asset-answer.ts';
import { learning } from './model-answer.ts';

const wallMs = () => z.number().describe('Wall time, ms since the epoch.');
const linkState = z.enum(['connecting', 'good', 'degraded', 'failed', 'stopped']);
const counts = z.record(z.string(), z.number());
const quantiles = z
  .object({ p50: z.number(), p99: z.number() })
  .describe('How much later than due polls began, ms: half of them by at most p50, 99 of 100 by at most p99.');

const trouble = {
  lastError: z.string().exactOptional(),
  hint: z.string().exactOptional().describe('What a person can do about it.'),
};

const unit = z.object({
  name: z.string(),
  state: linkState,
  ...trouble,
  code: z.string().exactOptional().describe('Of lastError, as in docs/errors.md.'),
  lastGoodMs: wallMs().exactOptional(),
  learned: z.array(z.string()).exactOptional().describe('What was found out about it.'),
  polls: z
    .object({
      periodMs: z.number(),
      answered: z.int(),
      failed: z.int(),
      leftOut: z.int(),
      answeredShare: z.number().describe('Of the last hundred or so that were due, 0 to 1.'),
      jitterMs: quantiles,
    })
    .exactOptional(),
});

/** How a source fares. */
export const sourceStatus = z.object({
  state: linkState,
  units: z.array(unit),
  counters: counts,
  jitterMs: quantiles.exactOptional(),
  lastRejected: z
    .object({ topic: z.string().exactOptional(), payload: z.string(), reason: z.string(), atMs: wallMs() })
    .exactOptional()
    .describe('The last that could not be read, shortened.'),
  perSecond: counts.exactOptional().describe('How fast the counters grow; absent at the first look.'),
});

const lane = z.object({ entries: z.int(), points: z.int(), oldestMs: wallMs().nullable(), highestId: z.int() });

/** How a sink and the delivery to it fare. */
export const sinkStatus = z.object({
  sink: z.object({ state: linkState, ...trouble, counters: counts }),
  delivery: z.object({
    state: linkState,
    link: z.object({ up: z.boolean(), sinceMs: wallMs() }),
    lanes: z.object({ alarms: lane, results: lane, samples: lane }),
    oldestAgeMs: z.number().nullable(),
    inFlight: z.int(),
    backlog: z.boolean(),
    counters: z.object({ delivered: z.int(), rejected: z.int(), retried: z.int(), batches: z.int() }),
    drainPointsPerSecond: z.number(),
    ...trouble,
  }),
  wants: z.array(z.enum(lanes)).describe('The lanes it is sent.'),
  incomingPointsPerSecond: z.number(),
});

export const counters = z.object({
  samples: z.int(),
  badSamples: z.int(),
  late: z.int(),
  duplicates: z.int(),
  forced: z.int().describe('Rows of the grid closed before their time, since more would have been open than are kept.'),
  redeliveredKnown: z.int(),
  refusedTags: z.int(),
  windows: z.int(),
  scores: z.int(),
  scoringErrors: z.int(),
  invalidWindows: z.record(z.string(), z.int()).describe('By reason.'),
  raised: z.int(),
  cleared: z.int(),
  withdrawn: z.int(),
});

const state = z.enum(['good', 'degraded']);

export const health = z.object({ state, site: z.string(), version: z.string(), uptimeMs: z.number() });

/** Everything a status page shows. */
export const gatewayStatus = z.object({
  site: z.string(),
  version: z.string(),
  startedAt: z.string(),
  uptimeMs: z.number(),
  state,
  sources: z.record(z.string(), sourceStatus),
  sinks: z.record(z.string(), sinkStatus),
  journal: z.object({
    keepsSamples: z.boolean(),
    diskFull: z.boolean(),
    lastSeq: z.int(),
    commits: z.int(),
    failedCommits: z.int(),
    commitMs: z.number(),
    unkeptSamples: z.int(),
    droppedRows: z.int(),
    setAside: z.string().nullable(),
    upgraded: z
      .object({ fromVersion: z.string().nullable(), atMs: wallMs(), copy: z.string(), copyUntilMs: wallMs() })
      .exactOptional()
      .describe('While the data are kept as they were before an upgrade.'),
  }),
  counters,
  assets: z.array(assetState),
  learning: z.record(z.string(), learning),
});
