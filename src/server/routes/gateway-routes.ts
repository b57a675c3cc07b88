import { Readable } from 'node:stream';
import { z } from 'zod';
import { FettleError } from '../../core/errors.ts';
import type { TagNow } from '../../gateway/tag-list.ts';
import { tagNow } from '../answers/asset-answer.ts';
import { counters, gatewayStatus, health, sinkStatus, sourceStatus } from '../answers/status-answer.ts';
import { backupFacts, reloaded, storageForecast } from '../answers/storage-answer.ts';
import { eventNames, sendEvents } from '../event-stream.ts';
import { Metrics } from '../metrics.ts';
import { type Route, route } from '../route.ts';
import type { Serving } from '../served.ts';
import { list } from './fields.ts';

const backupSchema = z.strictObject({ file: z.string().min(1).describe('Where to, on the gateway.') });
const historySchema = z.strictObject({
  fromMs: z.coerce.number().default(0).describe('ms since the epoch.'),
  toMs: z.coerce.number().default(Number.MAX_SAFE_INTEGER).describe('ms since the epoch.'),
  tags: list().optional().describe('Tags, separated by commas; all when absent.'),
});
const samplesSchema = z.strictObject({
  source: z.string().min(1).describe('Id of the source.'),
  samples: z
    .array(
      z.strictObject({
        tag: z.string().min(1),
        value: z.union([z.number(), z.boolean(), z.null()]).describe('null: there is none; the sample is bad.'),
        time: z.union([z.string(), z.number()]).optional().describe('ms since the epoch or ISO 8601; the arrival when absent.'),
        quality: z.enum(['good', 'uncertain', 'bad']).optional(),
      }),
    )
    .min(1)
    .max(50_000),
  resent: z.boolean().default(false).describe('It may have been sent before: what is kept already is not kept twice.'),
});
const eventsSchema = z.strictObject({
  events: list()
    .pipe(z.array(z.enum(eventNames)))
    .prefault('alarm,scores,learning,status')
    .describe(
      'Which, separated by commas: alarm, scores (four times a second), score (each), learning, tags (those with new samples, each second), status.',
    ),
  assets: list().default([]).describe('Of which assets, separated by commas; all when absent.'),
  lastEventId: z.coerce.number().int().min(0).optional().describe('As the header Last-Event-ID: alarms behind it come first.'),
});

const sharedMs = 1000;

/** What the gateway is and does as a whole. */
export function gatewayRoutes({ served, access, live }: Serving): Route[] {
  const metrics = new Metrics();
  let told: { readonly atMs: number; readonly status: object } | undefined;
  /** The same for all who ask within a second. */
  const liveStatus = (): object => {
    if (told === undefined || performance.now() - told.atMs > sharedMs) {
      const { assets: _, learning: __, ...status } = served.gateway.status();
      told = { atMs: performance.now(), status };
    }
    return told.status;
  };
  let listed: { readonly atMs: number; readonly tags: readonly TagNow[] } | undefined;
  const liveTags = (): readonly TagNow[] => {
    if (listed === undefined || performance.now() - listed.atMs > sharedMs / 2)
      listed = { atMs: performance.now(), tags: served.gateway.tags() };
    return listed.tags;
  };
  return [
    route({
      method: 'GET',
      path: '/api/v1/health',
      role: 'anyone',
      summary: 'Whether it runs, for load balancers and containers.',
      answer: health,
      handle: () => {
        const { state, site, version, uptimeMs } = served.gateway.status();
        return { state, site, version, uptimeMs };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/status',
      role: 'viewer',
      summary: 'Everything a status page shows.',
      answer: gatewayStatus,
      handle: () => served.gateway.status(),
    }),
    route({
      method: 'GET',
      path: '/api/v1/counters',
      role: 'viewer',
      summary: 'What was counted since the start.',
      answer: counters,
      handle: () => served.gateway.status().counters,
    }),
    route({
      method: 'GET',
      path: '/api/v1/sources',
      role: 'viewer',
      summary: 'How each source fares, unit by unit.',
      answer: z.record(z.string(), sourceStatus),
      handle: () => served.gateway.status().sources,
    }),
    route({
      method: 'GET',
      path: '/api/v1/delivery',
      role: 'viewer',
      summary: 'Sinks: link, lanes, what waits.',
      answer: z.record(z.string(), sinkStatus),
      handle: () => served.gateway.status().sinks,
    }),
    route({
      method: 'GET',
      path: '/api/v1/tags',
      role: 'viewer',
      summary: 'Every tag with its newest value, quality and age.',
      answer: z.array(tagNow),
      handle: () => served.gateway.tags(),
    }),
    route({
      method: 'POST',
      path: '/api/v1/samples',
      role: 'engineer',
      summary: 'Samples for a source of type http; answered when the journal has them.',
      body: samplesSchema,
      answer: z.object({ accepted: z.int() }),
      bodyLimit: 8_000_000,
      handle: async ({ body: { source, samples, resent } }) => {
        await served.gateway.push(source, samples, resent);
        return { accepted: samples.length };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/storage',
      role: 'viewer',
      summary: 'How much is kept, how far back it will reach, and how long the link may stay away.',
      answer: storageForecast,
      handle: () => served.gateway.storage(),
    }),
    route({
      method: 'GET',
      path: '/api/v1/history',
      role: 'viewer',
      summary: 'Samples of the journal, a line of JSON columns a batch.',
      query: historySchema,
      answerType: 'application/x-ndjson',
      handle: ({ query: { fromMs, toMs, tags }, reply }) => {
        const query = { fromMs, toMs, ...(tags !== undefined && { tags }) };
        return reply.type('application/x-ndjson').send(Readable.from(linesOf(served.gateway.history(query))));
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/events',
      role: 'viewer',
      summary: 'Server-sent events, live. Alarms have ids; a client that comes back with Last-Event-ID misses none.',
      query: eventsSchema,
      answerType: 'text/event-stream',
      handle: async ({ query, request, reply, signal }) => {
        const header = request.headers['last-event-id'];
        const lastEventId = header === undefined ? query.lastEventId : Number(header);
        if (lastEventId !== undefined && !Number.isInteger(lastEventId))
          throw new FettleError('FETTLE_API_REQUEST', 'Last-Event-ID is the id of an event of this stream');
        // Who asks for no body waits for none.
        if (request.method === 'HEAD') return reply.header('content-type', 'text/event-stream').send();
        const options = {
          events: new Set(query.events),
          assets: new Set(query.assets),
          lastEventId,
          status: liveStatus,
          tags: liveTags,
        };
        await sendEvents(live, reply, options, signal);
        return reply;
      },
    }),
    route({
      method: 'GET',
      path: '/metrics',
      role: 'viewer',
      summary: 'For Prometheus; it sends the token as bearer.',
      answerType: 'text/plain',
      handle: async ({ reply }) => {
        const now = {
          status: served.gateway.status(),
          storage: await served.gateway.storage(),
          ratios: live.ratios,
          scoredMs: live.scoredMs,
        };
        return reply.type(metrics.contentType).send(await metrics.scrape(now));
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/backup',
      role: 'admin',
      summary: 'One file with journal, models and configuration, made while the gateway runs.',
      body: backupSchema,
      answer: backupFacts,
      handle: ({ body, caller, from }) => {
        access.record(caller, from, 'backup', { file: body.file });
        return served.gateway.backup(body.file);
      },
    }),
    route({
      method: 'POST',
      path: '/api/v1/reload',
      role: 'engineer',
      summary: 'Takes over what changed in the configuration.',
      answer: reloaded,
      handle: async ({ caller, from }) => {
        if (served.reload === undefined) throw new FettleError('FETTLE_COMMAND_INVALID', 'this gateway was not started from a file');
        const changes = await served.reload();
        access.record(caller, from, 'configuration.reload', { ...changes });
        return changes;
      },
    }),
  ];
}

async function* linesOf(batches: AsyncIterable<object>): AsyncGenerator<string> {
  for await (const batch of batches) yield `${JSON.stringify(batch)}\n`;
}
