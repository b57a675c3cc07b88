import { severity } from './fault.ts';
import type { Machine, Surroundings } from './machine.ts';
import { type Chance, Lag, Wander } from './process.ts';

/** A belt under varying load: current carries friction and load, the gearbox warms with the work, a worn bearing shakes, drags and heats. */
export class Conveyor implements Machine {
  readonly id: string;
  readonly sensors = { speed: 'm/s', load: 'kg', current: 'A', vibration: 'mm/s', 'gearbox-temp': '°C' };
  readonly #chance: Chance;
  readonly #load: Wander;
  readonly #speed: Lag;
  readonly #gearbox: Lag;
  #carried: number;
  #wear = 0;

  constructor(id: string, chance: Chance) {
    this.id = id;
    this.#chance = chance;
    this.#load = new Wander(240, 35, 6, chance);
    this.#carried = this.#load.value;
    this.#speed = new Lag(1.2, 0.5);
    this.#gearbox = new Lag(48, 8);
  }

  step({ timeS, dtS, ambient, faults, load: share = 1 }: Surroundings): void {
    this.#wear = severity(faults, this.id, 'bearingWear', timeS);
    this.#carried = Math.max(60, share * this.#load.step(dtS));
    const load = this.#carried;
    this.#speed.step(1.25 - 0.00022 * load - 0.02 * this.#wear, dtS);
    this.#gearbox.step(ambient + 16 + 0.045 * load + 5 * this.#wear, dtS);
  }

  read(): Record<string, number> {
    const { normal } = this.#chance;
    const load = this.#carried;
    return {
      speed: this.#speed.value + 0.002 * normal(),
      load: load + 2 * normal(),
      current: 2.1 + 0.0135 * load + 1.3 * this.#wear + 0.05 * normal(),
      vibration: Math.max(0.05, 0.9 + 0.0012 * load + 2.2 * this.#wear + 0.07 * normal()),
      'gearbox-temp': this.#gearbox.value + 0.12 * normal(),
    };
  }
}
