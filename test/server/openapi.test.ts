import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { expect, it, onTestFinished } from 'vitest';
import type { Logger } from '../../src/core/logger.ts';
import { silentLogger } from '../../src/core/logger.ts';
import type { ApiServer } from '../../src/server/server.ts';
import { root } from '../house/sources.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway } from '../support/gateway.ts';
import { answerWell, startRawDevice } from '../support/modbus/raw-device.ts';
import { startServer } from '../support/server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
  readonly schema: object;
}
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly security: readonly Record<string, string[]>[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: object }> };
  readonly responses: Record<string, { readonly description: string; readonly content: Record<string, { readonly schema: object }> }>;
}
interface Description {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, object>; readonly securitySchemes: Record<string, { readonly type: string }> };
}

const pumpTags = ['flow', 'pressure', 'current', 'vibration', 'bearing-temp'].map((name) => `line1/pump/${name}`);

/** A gateway with something of everything: what is polled, what is sent, an alarm that stands, a model, a sink that is away. */
async function start(): Promise<{ server: ApiServer; description: Description; ask: (path: string) => Promise<Response> }> {
  const device = await startRawDevice(answerWell);
  onTestFinished(() => device.close());
  const gateway = await startGateway({
    site: 'north',
    data: temporaryDirectory(),
    sources: [
      {
        id: 'program',
        type: 'http',
        tags: [{ tag: 'press/flow', engineeringUnit: 'm³/h' }, { tag: 'press/heat' }, ...pumpTags.map((tag) => ({ tag }))],
      },
      { id: 'plc', type: 'modbus', url: device.url, tags: [{ tag: 'press/level', reference: '40001', type: 'int16', poll: '100ms' }] },
    ],
    tags: { 'press/flow': { limits: { hi: 80 }, advice: 'Close the valve' } },
    assets: [
      {
        id: 'line1/pump',
        tags: pumpTags,
        window: { step: '100ms', length: 32, slide: 4 },
        detector: { model: join(root, 'models/pump/1.0.0') },
      },
      { id: 'press', tags: ['press/flow', 'press/heat'], window: { step: '100ms', allowedLateness: '0s' } },
    ],
    sinks: [{ id: 'cloud', type: 'influxdb', url: 'http://127.0.0.1:1', send: ['samples', 'alarms'] }],
  });
  const server = await startServer(gateway);
  await server.access.store.addUser('ada', 'operator', new Date());
  server.access.store.addToken('grafana', 'viewer', new Date(), new Date(Date.now() + 60_000));
  const fromMs = Date.now() - 20_000;
  const samples = Array.from({ length: 200 }, (_, i) => [
    { tag: 'press/flow', value: i < 100 ? 50 : 95, time: fromMs + i * 100 },
    { tag: 'press/heat', value: i % 7, time: fromMs + i * 100 },
  ]).flat();
  await gateway.push('program', samples, false);
  await eventually(() => gateway.status().assets.some(({ alarms }) => alarms.length > 0), 'an alarm stands');
  await gateway.command({ verb: 'acknowledge', asset: 'press', rule: 'hi', tag: 'press/flow', by: 'ada', comment: 'seen' } as never);
  await eventually(() => gateway.status().sources.plc?.state === 'good', 'the device answers');
  await eventually(() => gateway.status().sinks.cloud?.delivery.lastError !== undefined, 'the sink is away');
  const ask = (path: string): Promise<Response> =>
    fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${server.token}` }, signal: AbortSignal.timeout(20_000) });
  return { server, description: (await (await ask('/api/v1/openapi.json')).json()) as Description, ask };
}

/** The same, with nothing allowed that is not described. */
const closed = (schema: unknown): unknown => {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const all = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return 'properties' in all && !('additionalProperties' in all) ? { ...all, additionalProperties: false } : all;
};

const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true, validateFormats: false });
const problemsOf = (validate: ValidateFunction, value: unknown): string[] =>
  validate(value)
    ? []
    : (validate.errors ?? []).map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`);

it('every GET of a running gateway answers as its description says, and says nothing that is not in it', async () => {
  const { description, ask } = await start();
  const problem = ajv.compile(closed(description.components.schemas.Problem) as object);
  const values: Record<string, string> = { asset: 'press' };
  const wrong: string[] = [];
  const answered: Record<string, unknown> = {};
  for (const [path, { get }] of Object.entries(description.paths)) {
    if (get === undefined) continue;
    const needed = get.parameters.filter((one) => one.in === 'query' && one.required).map(({ name }) => `${name}=${values[name]}`);
    const response = await ask(`${path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? name)}?${needed.join('&')}`);
    const [type = ''] = (response.headers.get('content-type') ?? '').split(';');
    if (!response.ok) {
      wrong.push(...problemsOf(problem, await response.json()).map((said) => `${path} ${response.status}: ${said}`));
      continue;
    }
    const described = get.responses[200]?.content ?? {};
    expect(Object.keys(described), path).toEqual([type]);
    if (type !== 'application/json') {
      await response.body?.cancel();
      continue;
    }
    const schema = described[type]?.schema ?? {};
    answered[path] = await response.json();
    if (path.endsWith('/openapi.json')) continue;
    wrong.push(...problemsOf(ajv.compile(closed(schema) as object), answered[path]).map((said) => `${path}: ${said}`));
  }
  expect(wrong).toEqual([]);
  // Not right for being empty.
  for (const path of ['alarms', 'alarms/journal', 'assets', 'tags', 'users', 'tokens', 'models'])
    expect(answered[`/api/v1/${path}`], path).not.toEqual([]);
  expect(answered['/api/v1/sources']).toHaveProperty(['plc', 'jitterMs']);
  expect(answered['/api/v1/delivery']).toHaveProperty(['cloud', 'delivery', 'lastError']);
  expect(Object.keys(answered).length).toBeGreaterThan(18);
}, 60_000);

it('the description is OpenAPI 3.1: every operation says what it takes and gives, and what it points at is there', async () => {
  const { description } = await start();
  expect(description.openapi).toMatch(/^3\.1\.\d+$/);
  expect(description.info).toMatchObject({ title: expect.any(String), version: expect.any(String) });
  const ids = new Set<string>();
  const schemes = Object.keys(description.components.securitySchemes);
  ajv.addKeyword('components');
  ajv.addSchema({ $id: 'components', components: description.components });
  for (const [path, methods] of Object.entries(description.paths)) {
    expect(path).toMatch(/^\/[\w./{}-]+$/);
    for (const [method, operation] of Object.entries(methods)) {
      const at = `${method} ${path}`;
      expect(['get', 'put', 'post', 'delete'], at).toContain(method);
      expect(operation.operationId, at).toMatch(/^[a-z][A-Za-z0-9]*$/);
      expect(ids.has(operation.operationId), at).toBe(false);
      ids.add(operation.operationId);
      expect(operation.summary.length, at).toBeGreaterThan(5);
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const inPath = operation.parameters.filter((one) => one.in === 'path');
      expect(
        inPath.map(({ name }) => name),
        at,
      ).toEqual(named);
      expect(
        inPath.every(({ required }) => required),
        at,
      ).toBe(true);
      expect(new Set(operation.parameters.map((one) => `${one.in} ${one.name}`)).size, at).toBe(operation.parameters.length);
      if (method === 'get') expect(operation.requestBody, at).toBeUndefined();
      for (const alternative of operation.security) for (const scheme of Object.keys(alternative)) expect(schemes, at).toContain(scheme);
      const answers = Object.entries(operation.responses);
      expect(
        answers.map(([status]) => status),
        at,
      ).toEqual(['200', 'default']);
      const schemas = [...operation.parameters, ...Object.values(operation.requestBody?.content ?? {})].map(({ schema }) => schema);
      for (const [status, { description: said, content }] of answers) {
        expect(said.length, `${at} ${status}`).toBeGreaterThan(0);
        for (const [type, { schema }] of Object.entries(content)) {
          // An answer that may be anything is described by nothing.
          if (!path.endsWith('/openapi.json')) expect(Object.keys(schema).length, `${at} ${status} ${type}`).toBeGreaterThan(0);
          schemas.push(schema);
        }
      }
      for (const schema of schemas)
        expect(() => ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"components#/')) as object), at).not.toThrow();
    }
  }
  expect(ids.size).toBeGreaterThan(40);
}, 60_000);

it('a fault of its own is answered as one, with 500 and a code of its own, and told in the log', async () => {
  const logged: string[] = [];
  const log: Logger = { ...silentLogger, error: (_, message) => void logged.push(message), child: () => log };
  const gateway = await startGateway({ site: 'north', data: temporaryDirectory() });
  const broken = new Proxy(gateway, {
    get: (target, key) => {
      if (key === 'tags') throw new TypeError('no such thing');
      const value = Reflect.get(target, key, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const server = await startServer(broken, { log });
  const answer = await fetch(`${server.url}/api/v1/tags`, { headers: { authorization: `Bearer ${server.token}` } });
  expect([answer.status, answer.headers.get('content-type')]).toEqual([500, 'application/problem+json; charset=utf-8']);
  expect(await answer.json()).toMatchObject({ code: 'FETTLE_API_FAILED', status: 500 });
  expect(logged).toEqual(['GET /api/v1/tags: no such thing']);
  // What the caller did wrong stays so.
  const wrong = await fetch(`${server.url}/api/v1/samples`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' },
    body: '{',
  });
  expect([wrong.status, ((await wrong.json()) as { code: string }).code]).toEqual([400, 'FETTLE_API_REQUEST']);
});
