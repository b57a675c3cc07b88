import { machineKinds } from './month-machines.ts';
import type { MonthPlan } from './month-plan.ts';
import { topicsOf } from './month-plant.ts';

export interface Limits {
  readonly maxBytes: number;
}

export interface ConfigurationFacts {
  readonly plan: MonthPlan;
  readonly stepMs: number;
  readonly limits: Limits;
  readonly broker: string;
  readonly marker: { readonly topic: string; readonly tag: string };
  /** As it is after the first upgrade. */
  readonly changed: boolean;
}

/** How long each learns; where weekends differ, over a whole week. */
const lessons: Readonly<Record<string, { readonly provisional: string; readonly established: string }>> = {
  'line1/pump': { provisional: '8h', established: '3d' },
  // Of each product.
  'line1/conveyor': { provisional: '8h', established: '2d' },
  'line2/oven': { provisional: '1d', established: '7d' },
  'line2/compressor': { provisional: '1d', established: '6d' },
};

/** fettle.yaml of the month's site. */
export function monthConfiguration({ plan, stepMs, limits, broker, marker, changed }: ConfigurationFacts): object {
  const machines = machineKinds.filter(({ asset }) => plan.assets.includes(asset));
  const products = machines.filter(({ product }) => product !== undefined).map(({ asset }) => `${asset}/product`);
  return {
    site: 'month',
    data: './data',
    server: { listen: '127.0.0.1:0' },
    journal: { maxBytes: `${limits.maxBytes}B`, maxAge: '60d' },
    sources: [
      {
        id: 'plant',
        type: 'mqtt',
        url: broker,
        qos: 1,
        topics: [...topicsOf(plan), { topic: marker.topic, time: { path: '$.ts' }, tags: { [marker.tag]: '$.number' } }],
      },
    ],
    tags: {
      ...Object.fromEntries(products.map((tag) => [tag, { hold: true, maxAge: '1h' }])),
      // A thermocouple that sticks shows it by itself; what stands still for long is left out of the model.
      ...(plan.assets.includes('line2/oven') && { 'line2/oven/zone1-temp': { flatline: '1h' } }),
      ...(changed && { [`${machines[0]?.asset}/current`]: { engineeringUnit: 'A', limits: { hihi: 60 } } }),
    },
    assets: machines.map(({ asset, rest, product }) => ({
      id: asset,
      tags: Object.keys(rest).map((channel) => `${asset}/${channel}`),
      window: { step: `${stepMs}ms`, allowedLateness: '0s' },
      running: { when: `${asset}/run == 1`, settle: '1h' },
      detector: { learn: lessons[asset] },
      ...(product !== undefined && { context: `${asset}/product` }),
    })),
    detector: { budget: '1/week' },
    alerts: { url: broker, scores: false },
  };
}
