import { z } from 'zod';
import { assetModels, bundleNamed, learning, modelComparison } from '../answers/model-answer.ts';
import { type Route, route } from '../route.ts';
import type { Serving } from '../served.ts';
import { done, list } from './fields.ts';

/** `version` of a model at hand, `folder` of a bundle to install, or neither: the model before this one. */
const useModelSchema = z.strictObject({
  asset: z.string().min(1),
  version: z.string().min(1).optional().describe('Of a model at hand.'),
  folder: z.string().min(1).optional().describe('Of a bundle on the gateway to install; with neither, the model before this one.'),
  by: z.string().max(200).default('unknown').describe('Who asks; for the command line, others are known by their login.'),
});
const assetSchema = z.strictObject({ asset: z.string().min(1), by: z.string().max(200).default('unknown') });
const compareSchema = z.strictObject({
  asset: z.string().min(1),
  versions: list().optional().describe('Of the models to compare, separated by commas.'),
  fromMs: z.coerce.number().optional(),
  toMs: z.coerce.number().optional(),
});

/** Models: what judges, what was learnt, what waits for a person. */
export function modelRoutes({ served, access }: Serving): Route[] {
  const models = () => served.gateway.models;
  /** An action on a model that a person answers for. */
  const action = (name: string, summary: string, act: (asset: string, by: string) => unknown): Route =>
    route({
      method: 'POST',
      path: `/api/v1/models/${name}`,
      role: 'engineer',
      summary,
      body: assetSchema,
      answer: z.union([bundleNamed, done]),
      handle: async ({ body, caller, from }) => {
        const by = caller.kind === 'local' ? body.by : caller.name;
        const bundle = await act(body.asset, by);
        access.record({ ...caller, name: by }, from, `model.${name}`, { asset: body.asset, ...(typeof bundle === 'string' && { bundle }) });
        return typeof bundle === 'string' ? { bundle } : { ok: true };
      },
    });
  return [
    route({
      method: 'GET',
      path: '/api/v1/models',
      role: 'viewer',
      summary: 'Models of every asset: in force, before, at hand.',
      answer: z.array(assetModels),
      handle: () => models().list(),
    }),
    route({
      method: 'GET',
      path: '/api/v1/learning',
      role: 'viewer',
      summary: 'What each asset has learnt and waits for.',
      answer: z.record(z.string(), learning),
      handle: () => models().learner.all(),
    }),
    route({
      method: 'POST',
      path: '/api/v1/models/use',
      role: 'engineer',
      summary: 'Lets an asset be judged by another model.',
      body: useModelSchema,
      answer: bundleNamed,
      handle: async ({ body: { asset, version, folder, by: given }, caller, from }) => {
        const by = caller.kind === 'local' ? given : caller.name;
        const bundle = await models().use(asset, folder !== undefined ? { folder } : version !== undefined ? { version } : 'previous', by);
        access.record({ ...caller, name: by }, from, 'model.use', { asset, bundle });
        return { bundle };
      },
    }),
    action('promote', 'The candidate takes over.', (asset, by) => models().promote(asset, by)),
    action('discard', 'The candidate is given up.', (asset, by) => models().discard(asset, by)),
    action('learn', 'A candidate is learnt now.', (asset) => models().learner.request(asset)),
    action('cancel', 'What is being learnt is given up.', (asset, by) => models().learner.cancel(asset, by)),
    route({
      method: 'GET',
      path: '/api/v1/models/compare',
      role: 'viewer',
      summary: 'Models of an asset on its kept history, side by side.',
      query: compareSchema,
      answer: modelComparison,
      handle: ({ query, signal }) => models().compare(query, signal),
    }),
  ];
}
