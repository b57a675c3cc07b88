import cookie from '@fastify/cookie';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import type { Clock } from '../core/clock.ts';
import { systemClock } from '../core/clock.ts';
import { errorText, FettleError } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { AccessControl } from './access/access-control.ts';
import { OpenRequests } from './access/open-requests.ts';
import { type Caller, mayAct, type Role } from './access/roles.ts';
import { checkHost, checkOrigin } from './host-check.ts';
import { LiveEvents } from './live-events.ts';
import { openApiOf } from './openapi.ts';
import { problemOf, sendProblem } from './problem.ts';
import { type Input, parseInput, type Route, route } from './route.ts';
import { accessRoutes, sessionCookie } from './routes/access-routes.ts';
import { alarmRoutes } from './routes/alarm-routes.ts';
import { assetRoutes } from './routes/asset-routes.ts';
import { dashboardRoutes } from './routes/dashboard-routes.ts';
import { gatewayRoutes } from './routes/gateway-routes.ts';
import { modelRoutes } from './routes/model-routes.ts';
import type { Served, Serving } from './served.ts';

export interface ApiServerOptions {
  /** host:port */
  readonly listen: string;
  /** Data directory of the gateway. */
  readonly data: string;
  readonly log: Logger;
  /** Names the gateway answers to, beside addresses and localhost. */
  readonly names?: readonly string[];
  /** Certificate and key, PEM; HTTP where absent. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** The listener the gateway tells of what happens. */
  readonly live?: LiveEvents;
  readonly clock?: Clock;
  readonly version?: string;
}

const nobody: Caller = { kind: 'token', name: 'nobody', role: 'viewer' };

/** The gateway over HTTP: the API under /api/v1, from one table of routes. */
export class ApiServer {
  readonly access: AccessControl;
  readonly routes: readonly Route[];
  readonly #options: ApiServerOptions;
  readonly #app: FastifyInstance;
  readonly #live: LiveEvents;
  readonly #stopping = new AbortController();
  readonly #open = new OpenRequests();
  #checkTimer: NodeJS.Timeout | undefined;
  url = '';

  /** Throws FETTLE_ACCESS_INVALID. */
  constructor(served: Served, options: ApiServerOptions) {
    const { data, log, tls, live = new LiveEvents(log), clock = systemClock, version = '' } = options;
    this.#options = options;
    this.access = new AccessControl(data, clock);
    this.#live = live;
    live.attach(() => served.gateway);
    live.onCommand = (command, over) => this.access.recordClaimed(command, over);
    const serving: Serving = { served, access: this.access, live };
    const table = [
      ...dashboardRoutes(),
      ...gatewayRoutes(serving),
      ...assetRoutes(serving),
      ...alarmRoutes(serving),
      ...modelRoutes(serving),
      ...accessRoutes(serving, tls !== undefined, data),
    ];
    this.routes = [
      ...table,
      route({
        method: 'GET',
        path: '/api/v1/openapi.json',
        role: 'anyone',
        summary: 'This description.',
        handle: () => openApiOf(this.routes, version),
      }),
    ];
    this.#app = Fastify({
      logger: false,
      bodyLimit: 1_000_000,
      forceCloseConnections: true,
      ...(tls !== undefined && { https: { ...tls, minVersion: 'TLSv1.2' } }),
    }) as unknown as FastifyInstance;
    this.#serve();
  }

  /** For the command line on this machine. */
  get token(): string {
    return this.access.localToken;
  }

  /** Falls back to any free port, told, when the configured one is taken: the gateway must not stop for its status page. */
  async start(): Promise<void> {
    const { listen, log } = this.#options;
    // Sessions and tokens end by themselves too.
    this.#checkTimer = setInterval(() => this.#open.check(), checkEveryMs).unref();
    const separator = listen.lastIndexOf(':');
    const host = listen.slice(0, separator).replace(/^\[|\]$/g, '');
    const port = Number(listen.slice(separator + 1));
    try {
      this.url = await this.#app.listen({ host, port });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      this.url = await this.#app.listen({ host, port: 0 });
      log.warn({ wanted: listen, url: this.url }, 'the port of the HTTP API is taken; it listens on another one');
    }
  }

  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort(new FettleError('FETTLE_API_REQUEST', 'the gateway is stopping'));
    clearInterval(this.#checkTimer);
    this.#live.close();
    await this.#app.close();
    this.access.audit.close();
  }

  #serve(): void {
    const app = this.#app;
    app.register(cookie);
    app.setErrorHandler((error, request, reply) => {
      const { code } = problemOf(error);
      if (code === 'FETTLE_API_FAILED')
        this.#options.log.error({ code, stack: (error as Error).stack }, `${request.method} ${request.url}: ${errorText(error)}`);
      return sendProblem(reply, error);
    });
    app.setNotFoundHandler((request, reply) => {
      sendProblem(reply, new FettleError('FETTLE_API_REQUEST', `there is no ${request.method} ${request.url}`), 404);
    });
    app.addHook('onRequest', async (request, reply) => {
      checkHost(request, this.#options.names ?? []);
      reply.headers({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'x-frame-options': 'DENY',
        'cache-control': 'no-store',
      });
    });
    app.register((api, _options, done) => {
      for (const declared of this.routes) this.#add(api as unknown as FastifyInstance, declared);
      done();
    });
  }

  #add(app: FastifyInstance, declared: Route): void {
    const { method, path, role, beforeOwnPassword = false, params, query, body, bodyLimit, handle } = declared;
    app.route({
      method,
      url: path,
      ...(bodyLimit !== undefined && { bodyLimit }),
      // Before the body is read: nobody fills the memory without a login.
      onRequest: async (request) => {
        if (role === 'anyone') {
          if (request.headers.cookie !== undefined || request.headers.origin !== undefined) checkOrigin(request);
          return;
        }
        const caller = this.#callerOf(request);
        if (caller === undefined)
          throw new FettleError('FETTLE_ACCESS_DENIED', 'log in first, or send a token', { hint: 'Authorization: Bearer <token>' });
        if (caller.kind === 'session') checkOrigin(request);
        if (!mayAct(caller.role, role))
          throw new FettleError('FETTLE_ACCESS_FORBIDDEN', `this takes the role ${role}; ${caller.name} is ${caller.role}`);
        if (!beforeOwnPassword && this.access.mustChange(caller))
          throw new FettleError('FETTLE_ACCESS_FORBIDDEN', `${caller.name} has to choose a password first`, {
            hint: 'log in at the dashboard, or POST /api/v1/session/password',
          });
        callers.set(request, caller);
      },
      handler: async (request, reply) => {
        const gone = new AbortController();
        const leave = () => gone.abort(new FettleError('FETTLE_API_REQUEST', 'nobody waits for the answer any more'));
        const over = role === 'anyone' ? () => {} : this.#open.add(() => this.#mayStill(request, role), gone);
        reply.raw.once('close', () => {
          over();
          leave();
        });
        const where = `${method} ${path}`;
        const input: Input<unknown, unknown, unknown> = {
          params: parseInput(params, request.params, where),
          query: parseInput(query, request.query, where),
          body: parseInput(body, request.body, where),
          caller: callers.get(request) ?? nobody,
          from: request.ip,
          signal: AbortSignal.any([gone.signal, this.#stopping.signal]),
          request,
          reply,
        };
        try {
          return await handle(input as Input<never, never, never>);
        } finally {
          // It may have ended somebody's login.
          if (method !== 'GET') this.#open.check();
        }
      },
    });
  }

  #callerOf(request: FastifyRequest): Caller | undefined {
    return this.access.callerOf(bearerOf(request), request.cookies[sessionCookie]);
  }

  #mayStill(request: FastifyRequest, role: Role): boolean {
    const caller = this.access.stillCallerOf(bearerOf(request), request.cookies[sessionCookie]);
    return caller !== undefined && mayAct(caller.role, role);
  }
}

const checkEveryMs = 15_000;

const bearerOf = ({ headers: { authorization } }: FastifyRequest): string | undefined => authorization?.replace(/^Bearer /i, '');

const callers = new WeakMap<FastifyRequest, Caller>();
