import { randomBytes, timingSafeEqual } from 'node:crypto';
import { Readable } from 'node:stream';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type ErrorCode, errorText, FettleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { parseCommand } from '../gateway/commands.ts';
import type { Gateway } from '../gateway/gateway.ts';

/** `version` of a model at hand, `folder` of a bundle to install, or neither: the model before this one. */
const useModelSchema = z.strictObject({
  asset: z.string().min(1),
  version: z.string().min(1).optional(),
  folder: z.string().min(1).optional(),
  by: z.string().max(200).default('unknown'),
});

const backupSchema = z.strictObject({ file: z.string().min(1) });
const assetSchema = z.strictObject({ asset: z.string().min(1), by: z.string().max(200).default('unknown') });

const compareSchema = z.strictObject({
  asset: z.string().min(1),
  versions: z
    .string()
    .transform((list) => list.split(','))
    .optional(),
  fromMs: z.coerce.number().optional(),
  toMs: z.coerce.number().optional(),
});

/** Throws FETTLE_COMMAND_INVALID with what is wrong. */
function parsed<Schema extends z.ZodType>(schema: Schema, given: unknown, route: string): z.output<Schema> {
  const { data, error } = schema.safeParse(given ?? {});
  if (error === undefined) return data as z.output<Schema>;
  throw new FettleError(
    'FETTLE_COMMAND_INVALID',
    `${route}: ${error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; ')}`,
  );
}

/** RFC 9457, with the code of docs/errors.md. */
interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
}

const refusals: ReadonlySet<ErrorCode> = new Set([
  'FETTLE_COMMAND_INVALID',
  'FETTLE_MODEL_INVALID',
  'FETTLE_MODEL_MISMATCH',
  'FETTLE_CONFIG_INVALID',
  'FETTLE_BACKUP_FAILED',
]);

const problemOf = (status: number, error: unknown): Problem => {
  const code: ErrorCode = error instanceof FettleError ? error.code : 'FETTLE_API_REQUEST';
  return { type: `urn:fettle:error:${code}`, title: code, status, detail: errorText(error), code };
};

/** What is served: a gateway, and where it can take over a changed configuration, how. */
export interface Served {
  readonly gateway: Gateway;
  reload?(): Promise<object>;
}

/** The gateway over HTTP, under /api/v1. Every route but health asks for the bearer token. */
export class ApiServer {
  readonly #served: Served;
  readonly #listen: string;
  readonly #log: Logger;
  readonly #app: FastifyInstance;
  /** Made anew at each start; `fettle status` reads it from the data directory. */
  readonly token = randomBytes(24).toString('base64url');
  url = '';

  constructor(served: Served, listen: string, log: Logger) {
    this.#served = served;
    this.#listen = listen;
    this.#log = log;
    this.#app = Fastify({ logger: false, bodyLimit: 1_000_000, forceCloseConnections: true });
    this.#routes();
  }

  /** Falls back to any free port, told, when the configured one is taken: the gateway must not stop for its status page. */
  async start(): Promise<void> {
    const separator = this.#listen.lastIndexOf(':');
    const host = this.#listen.slice(0, separator).replace(/^\[|\]$/g, '');
    const port = Number(this.#listen.slice(separator + 1));
    try {
      this.url = await this.#app.listen({ host, port });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      this.url = await this.#app.listen({ host, port: 0 });
      this.#log.warn({ wanted: this.#listen, url: this.url }, 'the port of the HTTP API is taken; it listens on another one');
    }
  }

  async stop(): Promise<void> {
    await this.#app.close();
  }

  #routes(): void {
    const app = this.#app;
    app.setErrorHandler((error, _request, reply) => {
      const status =
        error instanceof FettleError ? (refusals.has(error.code) ? 409 : 500) : ((error as { statusCode?: number }).statusCode ?? 500);
      return send(reply, problemOf(status, error));
    });
    app.setNotFoundHandler((request, reply) =>
      send(reply, problemOf(404, new FettleError('FETTLE_API_REQUEST', `there is no ${request.method} ${request.url}`))),
    );
    app.addHook('onRequest', async (request, reply) => {
      if (request.url === '/api/v1/health' || this.#authorized(request)) return;
      await send(reply, problemOf(401, new FettleError('FETTLE_API_REQUEST', 'the bearer token is missing or wrong')));
    });
    app.get('/api/v1/health', () => {
      const { state, site, version, uptimeMs } = this.#served.gateway.status();
      return { state, site, version, uptimeMs };
    });
    app.get('/api/v1/status', () => this.#served.gateway.status());
    app.get('/api/v1/assets', () => this.#served.gateway.status().assets);
    app.get('/api/v1/counters', () => this.#served.gateway.status().counters);
    app.get('/api/v1/history', (request, reply) => {
      const { fromMs, toMs, tags } = request.query as Record<string, string | undefined>;
      const query = {
        fromMs: Number(fromMs ?? 0),
        toMs: Number(toMs ?? Number.MAX_SAFE_INTEGER),
        ...(tags !== undefined && { tags: tags.split(',') }),
      };
      if (Number.isNaN(query.fromMs) || Number.isNaN(query.toMs))
        throw new FettleError('FETTLE_COMMAND_INVALID', 'fromMs and toMs are ms since the epoch');
      return reply.type('application/x-ndjson').send(Readable.from(linesOf(this.#served.gateway.history(query))));
    });
    this.#modelRoutes();
    app.get('/api/v1/tags', () => this.#served.gateway.tags());
    app.get('/api/v1/storage', () => this.#served.gateway.storage());
    app.post('/api/v1/backup', (request) => this.#served.gateway.backup(parsed(backupSchema, request.body, 'backup').file));
    app.post('/api/v1/reload', () => {
      const { reload } = this.#served;
      if (reload === undefined) throw new FettleError('FETTLE_COMMAND_INVALID', 'this gateway was not started from a file');
      return reload.call(this.#served);
    });
    app.post('/api/v1/commands/:verb', async (request) => {
      const { verb } = request.params as { verb: string };
      await this.#served.gateway.command(parseCommand(verb, request.body ?? {}));
      return { ok: true };
    });
  }

  #modelRoutes(): void {
    const app = this.#app;
    const served = this.#served;
    app.get('/api/v1/models', () => served.gateway.models.list());
    app.get('/api/v1/learning', () => served.gateway.models.learner.all());
    app.post('/api/v1/models/use', async (request) => {
      const { asset, version, folder, by } = parsed(useModelSchema, request.body, 'models/use');
      const model = folder !== undefined ? { folder } : version !== undefined ? { version } : 'previous';
      return { bundle: await served.gateway.models.use(asset, model, by) };
    });
    app.post('/api/v1/models/promote', async (request) => {
      const { asset, by } = parsed(assetSchema, request.body, 'models/promote');
      return { bundle: await served.gateway.models.promote(asset, by) };
    });
    app.post('/api/v1/models/discard', async (request) => {
      const { asset, by } = parsed(assetSchema, request.body, 'models/discard');
      await served.gateway.models.discard(asset, by);
      return { ok: true };
    });
    app.post('/api/v1/models/learn', (request) => {
      served.gateway.models.learner.request(parsed(assetSchema, request.body, 'models/learn').asset);
      return { ok: true };
    });
    app.post('/api/v1/models/cancel', async (request) => {
      const { asset, by } = parsed(assetSchema, request.body, 'models/cancel');
      await served.gateway.models.learner.cancel(asset, by);
      return { ok: true };
    });
    app.get('/api/v1/models/compare', (request, reply) => {
      const gone = new AbortController();
      reply.raw.once('close', () => gone.abort(new FettleError('FETTLE_API_REQUEST', 'nobody waits for the answer any more')));
      return served.gateway.models.compare(parsed(compareSchema, request.query, 'models/compare'), gone.signal);
    });
  }

  #authorized(request: FastifyRequest): boolean {
    const given = Buffer.from(request.headers.authorization?.replace(/^Bearer /, '') ?? '');
    const wanted = Buffer.from(this.token);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  }
}

async function* linesOf(batches: AsyncIterable<object>): AsyncGenerator<string> {
  for await (const batch of batches) yield `${JSON.stringify(batch)}\n`;
}

const send = (reply: FastifyReply, problem: Problem): FastifyReply =>
  reply.code(problem.status).type('application/problem+json').send(problem);
