import { Chance, Wander } from '../../src/simulator/process.ts';
import { dayMs, localStamp, minuteMs, monthStartMs } from './month-calendar.ts';
import { MonthMachine, machineKinds } from './month-machines.ts';
import type { DeviceEvent, MonthPlan } from './month-plan.ts';

/** One message of one device. */
export interface Message {
  readonly topic: string;
  readonly payload: string;
}

/** Device of the products, which speaks now and then. */
const orders = 'orders';
const ordersEveryMs = 15 * minuteMs;
const conveyor = 'line1/conveyor';

/** The plant of the month: steps all its machines together and writes what their devices send. Each device numbers its messages from 0. */
export class MonthPlant {
  readonly #plan: MonthPlan;
  readonly #stepMs: number;
  readonly #machines: readonly MonthMachine[];
  readonly #hall: Wander;
  readonly #season: Wander;
  readonly #chaos: Chance;
  #nowMs: number;
  #product = Number.NaN;
  /** By device: messages so far. */
  readonly sent: Record<string, number> = {};
  /** By tag: samples so far. */
  readonly samples: Record<string, number> = {};

  constructor(plan: MonthPlan, stepMs: number, seed: number) {
    this.#plan = plan;
    this.#stepMs = stepMs;
    this.#nowMs = plan.fromMs;
    this.#hall = new Wander(0, 0.5, 5 * 3600, new Chance(seed, 0));
    this.#season = new Wander(22, 1.5, 3 * 86_400, new Chance(seed, 9));
    this.#chaos = new Chance(seed, 99);
    this.#machines = machineKinds.flatMap((kind, i) =>
      plan.assets.includes(kind.asset) ? [new MonthMachine(kind, seed, 1 + i, plan.faults)] : [],
    );
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** What the devices send up to and including `untilMs`. */
  *until(untilMs: number): Generator<Message> {
    while (this.#nowMs + this.#stepMs <= untilMs) {
      this.#nowMs += this.#stepMs;
      yield* this.#step(this.#nowMs);
    }
  }

  *#step(ms: number): Generator<Message> {
    const dtS = this.#stepMs / 1000;
    // The sun knows no summer time.
    const sun = 3 * Math.sin((2 * Math.PI * (ms - monthStartMs)) / dayMs);
    const hall = this.#hall.step(dtS) + this.#season.step(dtS) + sun;
    for (const machine of this.#machines) {
      machine.advance(ms, dtS, hall);
      const { asset, product, stamps } = machine.kind;
      const happening = this.#plan.devices.filter((event) => event.asset === asset && ms > event.fromMs && ms <= event.toMs);
      const clock = ms + happening.reduce((sum, { clockMs = 0 }) => sum + clockMs, 0);
      if (product !== undefined) yield* this.#order(ms, product(ms));
      const values = { run: Number(machine.kind.runs(ms)), ...this.#disturbed(machine.read(), happening) };
      yield this.#message(asset, stamps === 'local' ? localStamp(clock) : clock, values);
    }
  }

  *#order(ms: number, product: number): Generator<Message> {
    if (product === this.#product && ms % ordersEveryMs !== 0) return;
    this.#product = product;
    yield this.#message(orders, ms, { product });
  }

  #disturbed(values: Record<string, number>, happening: readonly DeviceEvent[]): Record<string, number> {
    const disturbed = { ...values };
    for (const { offsets = {}, wild } of happening) {
      for (const [channel, by] of Object.entries(offsets)) disturbed[channel] = (disturbed[channel] as number) + by;
      if (wild !== true) continue;
      // Bridged, unplugged, turned by hand.
      for (const channel of Object.keys(disturbed)) disturbed[channel] = (disturbed[channel] as number) * this.#chaos.uniform() * 1.6;
    }
    return disturbed;
  }

  #message(device: string, ts: string | number, values: Readonly<Record<string, number>>): Message {
    const number = this.sent[device] ?? 0;
    this.sent[device] = number + 1;
    for (const name of ['number', ...Object.keys(values)]) {
      const tag = tagOf(device, name);
      this.samples[tag] = (this.samples[tag] ?? 0) + 1;
    }
    return { topic: topicOf(device), payload: JSON.stringify({ ts, number, ...values }) };
  }
}

export const tagOf = (device: string, name: string): string =>
  device === orders ? `${conveyor}/${name === 'product' ? name : `order-${name}`}` : `${device}/${name}`;
const topicOf = (device: string): string => `plant/${device}`;

/** How the gateway reads each device: topics of its MQTT source. */
export function topicsOf(plan: MonthPlan): object[] {
  const devices = machineKinds.filter(({ asset }) => plan.assets.includes(asset));
  const topic = (device: string, names: readonly string[]): object => ({
    topic: topicOf(device),
    time: { path: '$.ts' },
    tags: Object.fromEntries(names.map((name) => [tagOf(device, name), `$.${name}`])),
  });
  return [
    ...devices.map(({ asset, rest }) => topic(asset, ['number', 'run', ...Object.keys(rest)])),
    ...(plan.assets.includes(conveyor) ? [topic(orders, ['number', 'product'])] : []),
  ];
}

/** Tag with the running number of each device, by device. */
export const numberTags = (plant: MonthPlant): Record<string, string> =>
  Object.fromEntries(Object.keys(plant.sent).map((device) => [device, tagOf(device, 'number')]));
