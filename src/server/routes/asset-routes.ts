import { z } from 'zod';
import { FettleError } from '../../core/errors.ts';
import { type Route, route } from '../route.ts';
import type { Serving } from '../served.ts';

/** The machines that are watched. */
export function assetRoutes({ served }: Serving): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/assets',
      role: 'viewer',
      summary: 'Every asset: its alarms, what is watched, what it learns.',
      handle: () => served.gateway.status().assets,
    }),
    route({
      method: 'GET',
      path: '/api/v1/assets/:asset',
      role: 'viewer',
      summary: 'One asset with its channels. Slashes of the id are written %2F.',
      params: z.strictObject({ asset: z.string() }),
      handle: ({ params: { asset } }) => {
        const { assets, learning } = served.gateway.status();
        const document = assets.find((one) => one.asset === asset);
        if (document === undefined) throw new FettleError('FETTLE_COMMAND_INVALID', `there is no asset ${asset}`);
        const channels = served.gateway.tags().filter((tag) => tag.assets.includes(asset));
        return { ...document, channels, learning: learning[asset] ?? null };
      },
    }),
  ];
}
