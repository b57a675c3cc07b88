import { Compressor } from './compressor.ts';
import { Conveyor } from './conveyor.ts';
import type { Fault } from './fault.ts';
import type { Machine } from './machine.ts';
import { Oven } from './oven.ts';
import { Chance, Lag, Wander } from './process.ts';
import { Pump } from './pump.ts';

export const weekMachines = ['pump', 'compressor', 'oven', 'conveyor'] as const;
export type WeekMachine = (typeof weekMachines)[number];

export interface WeeksOptions {
  readonly machine: WeekMachine;
  readonly seed: number;
  readonly days: number;
  readonly stepMs: number;
  /** Share of the load on every sixth and seventh day; left out, they are days like the others. */
  readonly weekendLoad?: number;
  /** Times in seconds of the recording; `asset` is the machine's name. */
  readonly faults?: readonly Fault[];
}

/** Rows of one machine, one every `stepMs`. */
export interface Weeks {
  readonly columns: readonly string[];
  readonly timeMs: Float64Array;
  /** By column, engineering units. */
  readonly values: readonly Float64Array[];
}

/** The demo's machines live fast: what takes them a second takes these a minute. */
const pace = 60;
/** Of the machine's own time; the oven's controller is the fastest thing in it. */
const longestStepS = 0.25;
const dayS = 86_400;
const shiftS = dayS / 3;
/** Load by shift, and how differently one day's shift runs from another's. */
const shiftLoads = [1, 0.94, 0.88] as const;
const shiftSpread = 0.015;
/** How long a change of shift takes. */
const changeS = 600;
/** Half of the distance between the hall's day and night, and how warm weather makes it, °C. */
const dailySwing = 3;
const weather = { mean: 22, deviation: 1.5, overS: 3 * dayS } as const;

/**
 * Weeks of one machine without network and faster than in real time: physics and noise of the demo at an ordinary pace, a hall that warms by day and with the weather, and three shifts a
 * day that do not ask the same of it. The same seed gives the same rows, faults apart.
 */
export function weeksOf({ machine: name, seed, days, stepMs, weekendLoad = 1, faults = [] }: WeeksOptions): Weeks {
  const machine = machines[name](new Chance(seed, 1 + weekMachines.indexOf(name)));
  const around = new Chance(seed, 9);
  const hall = new Wander(0, 0.5, 5 * 3600, new Chance(seed, 0));
  const season = new Wander(weather.mean, weather.deviation, weather.overS, around);
  const load = new Lag(1, changeS / 3);
  const rows = Math.floor((days * dayS * 1000) / stepMs);
  const columns = Object.keys(machine.sensors);
  const values = columns.map(() => new Float64Array(rows));
  const timeMs = new Float64Array(rows);
  const stepS = stepMs / 1000;
  const parts = Math.ceil(stepS / pace / longestStepS);
  let shift = -1;
  let wanted = 1;
  const advance = (timeS: number, dtS: number): void => {
    const now = Math.floor(timeS / shiftS);
    if (now !== shift) {
      shift = now;
      const day = Math.floor(shift / shiftLoads.length) % 7;
      wanted = (shiftLoads[shift % shiftLoads.length] as number) * (1 + shiftSpread * around.normal()) * (day >= 5 ? weekendLoad : 1);
    }
    const ambient = hall.step(dtS) + season.step(dtS) + dailySwing * Math.sin((2 * Math.PI * timeS) / dayS);
    machine.step({ timeS, dtS: dtS / pace, ambient, faults, load: load.step(wanted, dtS) });
  };
  // It has been running for a while.
  for (let i = 0; i < 3600 / pace / longestStepS; i++) advance(0, pace * longestStepS);
  for (let row = 0; row < rows; row++) {
    for (let part = 1; part <= parts; part++) advance(row * stepS + (part * stepS) / parts, stepS / parts);
    timeMs[row] = Math.round((row + 1) * stepMs) - 1;
    const read = machine.read();
    columns.forEach((column, c) => {
      (values[c] as Float64Array)[row] = read[column] as number;
    });
  }
  return { columns, timeMs, values };
}

const machines: Readonly<Record<WeekMachine, (chance: Chance) => Machine>> = {
  pump: (chance) => new Pump('pump', chance),
  compressor: (chance) => new Compressor('compressor', chance),
  oven: (chance) => new Oven('oven', chance),
  conveyor: (chance) => new Conveyor('conveyor', chance),
};
