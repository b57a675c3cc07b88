import { severity } from './fault.ts';
import type { Machine, Surroundings } from './machine.ts';
import { type Chance, Lag, Wander } from './process.ts';

/**
 * A modulating screw compressor. Air flow follows demand, less what a clogged intake filter holds back; the filter's pressure drop goes with the square of
 * the flow; discharge temperature with the compression ratio and the intake's; current with the work done.
 */
export class Compressor implements Machine {
  readonly id: string;
  readonly sensors = { airflow: 'm³/min', 'discharge-pressure': 'bar', 'discharge-temp': '°C', current: 'A', 'filter-drop': 'mbar' };
  readonly #chance: Chance;
  readonly #demand: Wander;
  readonly #pressure: Wander;
  readonly #airflow: Lag;
  readonly #temperature: Lag;
  #clogging = 0;
  #wear = 0;

  constructor(id: string, chance: Chance) {
    this.id = id;
    this.#chance = chance;
    this.#demand = new Wander(10.5, 0.9, 15, chance);
    this.#pressure = new Wander(7.2, 0.09, 5, chance);
    this.#airflow = new Lag(10.5, 0.8);
    this.#temperature = new Lag(83, 7);
  }

  step({ timeS, dtS, ambient, faults, load = 1 }: Surroundings): void {
    this.#clogging = severity(faults, this.id, 'blockedFilter', timeS);
    this.#wear = severity(faults, this.id, 'bearingWear', timeS);
    this.#pressure.step(dtS);
    this.#airflow.step(load * this.#demand.step(dtS) * (1 - 0.13 * this.#clogging), dtS);
    this.#temperature.step(
      ambient + 42 + 2.6 * this.#pressure.value + 0.35 * this.#airflow.value + 6 * this.#clogging + 6 * this.#wear,
      dtS,
    );
  }

  read(): Record<string, number> {
    const { normal } = this.#chance;
    const flow = this.#airflow.value;
    const drop = 0.22 * flow * flow * (1 + 1.6 * this.#clogging);
    return {
      airflow: flow + 0.07 * normal(),
      'discharge-pressure': this.#pressure.value - 0.2 * this.#clogging + 0.02 * normal(),
      'discharge-temp': this.#temperature.value + 0.25 * normal(),
      current: 18 + 0.52 * flow * this.#pressure.value + 2.2 * this.#clogging + 3 * this.#wear + 0.22 * normal(),
      'filter-drop': drop + 0.35 * normal(),
    };
  }
}
