import { Compressor } from '../../src/simulator/compressor.ts';
import { Conveyor } from '../../src/simulator/conveyor.ts';
import type { Fault } from '../../src/simulator/fault.ts';
import type { Machine } from '../../src/simulator/machine.ts';
import { Oven } from '../../src/simulator/oven.ts';
import { Chance, Lag } from '../../src/simulator/process.ts';
import { Pump } from '../../src/simulator/pump.ts';
import { wallClock } from './month-calendar.ts';

/** What a channel shows of a machine that stands still; what is warm cools to the hall. */
type Rest = number | 'hall';

export interface MachineKind {
  readonly asset: string;
  /** Names of the channels with what they show at rest. */
  readonly rest: Readonly<Record<string, Rest>>;
  /** Whether it runs, by the clock on the wall. */
  runs(ms: number): boolean;
  /** What it makes, where its load depends on that. */
  product?(ms: number): number;
  /** Stamps of its device: epoch, or local time with its zone. */
  readonly stamps: 'epoch' | 'local';
  make(chance: Chance): Machine;
}

const twoShifts = (ms: number): boolean => {
  const { hour, weekend } = wallClock(ms);
  return !weekend && hour >= 6 && hour < 22;
};
/** From Monday 06:00 to Saturday 22:00. */
const sixDays = (ms: number): boolean => {
  const { day, hour } = wallClock(ms);
  const weekday = ((day % 7) + 7) % 7;
  return weekday === 6 ? false : weekday === 5 ? hour < 22 : weekday > 0 || hour >= 6;
};
/** A product nobody has seen, first made on this day, for a week. */
export const newProduct = { product: 19, firstDay: 15, lastDay: 22 } as const;

export const machineKinds: readonly MachineKind[] = [
  {
    asset: 'line1/pump',
    rest: { flow: 0, pressure: 0.4, current: 0.05, vibration: 0.05, 'bearing-temp': 'hall' },
    runs: twoShifts,
    stamps: 'epoch',
    make: (chance) => new Pump('line1/pump', chance),
  },
  {
    asset: 'line1/conveyor',
    rest: { speed: 0, load: 0, current: 0.05, vibration: 0.05, 'gearbox-temp': 'hall' },
    runs: twoShifts,
    product: (ms) => {
      const { day, hour } = wallClock(ms);
      if (hour < 14) return 17;
      return day >= newProduct.firstDay && day < newProduct.lastDay ? newProduct.product : 18;
    },
    stamps: 'epoch',
    make: (chance) => new Conveyor('line1/conveyor', chance),
  },
  {
    asset: 'line2/oven',
    rest: { 'zone1-temp': 'hall', 'zone2-temp': 'hall', 'heater-power': 0, 'fan-current': 0, throughput: 0 },
    runs: () => true,
    stamps: 'local',
    make: (chance) => new Oven('line2/oven', chance),
  },
  {
    asset: 'line2/compressor',
    rest: { airflow: 0, 'discharge-pressure': 5.9, 'discharge-temp': 'hall', current: 0.05, 'filter-drop': 0 },
    runs: sixDays,
    stamps: 'epoch',
    make: (chance) => new Compressor('line2/compressor', chance),
  },
];

/** The simulator's machines live fast: what takes them a second takes these a minute. */
const pace = 60;
const longestStepS = 0.25;
const loadLagS = 200;
/** A machine that is switched on is there within minutes, and warm within an hour. */
const spinS = 60;
const warmthS = 720;
const productLoads: Readonly<Record<number, number>> = { 17: 1, 18: 0.82, [newProduct.product]: 1.12 };
const shiftLoads = [0.88, 1, 0.94] as const;
const shiftSpread = 0.015;
const weekendLoad = 0.93;

/** One machine of the month: its physics, switched on and off, under the load of the shift and the product. */
export class MonthMachine {
  readonly kind: MachineKind;
  readonly #machine: Machine;
  readonly #shifts: Chance;
  readonly #faults: readonly Fault[];
  readonly #load = new Lag(1, loadLagS);
  readonly #spin = new Lag(0, spinS);
  readonly #warmth = new Lag(0, warmthS);
  #shift = Number.NaN;
  #shiftLoad = 1;
  #hall = 20;

  constructor(kind: MachineKind, seed: number, stream: number, faults: readonly Fault[]) {
    this.kind = kind;
    this.#machine = kind.make(new Chance(seed, stream));
    this.#shifts = new Chance(seed, 50 + stream);
    this.#faults = faults;
  }

  /** To `ms`; `hall` is its temperature there, °C. */
  advance(ms: number, dtS: number, hall: number): void {
    this.#hall = hall;
    const load = this.#load.step(this.#wantedLoad(ms), dtS);
    const parts = Math.ceil(dtS / pace / longestStepS);
    for (let part = 1; part <= parts; part++) {
      const timeS = ms / 1000 - dtS + (part * dtS) / parts;
      this.#machine.step({ timeS, dtS: dtS / parts / pace, ambient: hall, faults: this.#faults, load });
    }
    const on = Number(this.kind.runs(ms));
    this.#spin.step(on, dtS);
    this.#warmth.step(on, dtS);
  }

  /** What its sensors show. */
  read(): Record<string, number> {
    const live = this.#machine.read();
    return Object.fromEntries(
      Object.entries(this.kind.rest).map(([channel, rest]) => {
        const value = live[channel] as number;
        return rest === 'hall'
          ? [channel, this.#hall + (value - this.#hall) * this.#warmth.value]
          : [channel, rest + (value - rest) * this.#spin.value];
      }),
    );
  }

  #wantedLoad(ms: number): number {
    const { day, hour, weekend } = wallClock(ms);
    const shift = hour < 6 ? 0 : hour < 14 ? 1 : hour < 22 ? 2 : 0;
    const number = day * 3 + shift + (hour >= 22 ? 3 : 0);
    if (number !== this.#shift) {
      this.#shift = number;
      this.#shiftLoad = (shiftLoads[shift] as number) * (1 + shiftSpread * this.#shifts.normal());
    }
    const product = this.kind.product?.(ms);
    return this.#shiftLoad * (weekend ? weekendLoad : 1) * (product === undefined ? 1 : (productLoads[product] as number));
  }
}
