import { z } from 'zod';
import { FettleError } from '../../core/errors.ts';
import { assetChart, assetState, assetWithChannels } from '../answers/asset-answer.ts';
import { type Route, route } from '../route.ts';
import type { Serving } from '../served.ts';
import { instant } from './fields.ts';

const chartSchema = z.strictObject({
  to: instant().optional().describe('Event time of the end; the newest there is when absent.'),
  lastsMs: z.coerce
    .number()
    .min(100)
    .max(400 * 86_400_000)
    .default(600_000)
    .describe('How long a stretch.'),
  points: z.coerce.number().int().min(10).max(4000).default(600).describe('Most places on the time axis.'),
});

/** The machines that are watched. */
export function assetRoutes({ served }: Serving): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/assets',
      role: 'viewer',
      summary: 'Every asset: its alarms, what is watched, what it learns.',
      answer: z.array(assetState),
      handle: () => served.gateway.status().assets,
    }),
    route({
      method: 'GET',
      path: '/api/v1/assets/:asset',
      role: 'viewer',
      summary: 'One asset with its channels. Slashes of the id are written %2F.',
      params: z.strictObject({ asset: z.string() }),
      answer: assetWithChannels,
      handle: ({ params: { asset } }) => {
        const { assets, learning } = served.gateway.status();
        const document = assets.find((one) => one.asset === asset);
        if (document === undefined) throw new FettleError('FETTLE_ASSET_UNKNOWN', `there is no asset ${asset}`);
        const channels = served.gateway.tags().filter((tag) => tag.assets.includes(asset));
        return { ...document, channels, learning: learning[asset] ?? null };
      },
    }),
    route({
      method: 'GET',
      path: '/api/v1/assets/:asset/chart',
      role: 'viewer',
      summary: 'A stretch of history for a chart: least, mean and highest of each step, scores, parts, invalid windows, alarms.',
      params: z.strictObject({ asset: z.string() }),
      query: chartSchema,
      answer: assetChart,
      handle: ({ params: { asset }, query: { to, lastsMs, points } }) => served.gateway.chart({ asset, toMs: to, lastsMs, points }),
    }),
  ];
}
