import { severity } from './fault.ts';
import type { Machine, Surroundings } from './machine.ts';
import { type Chance, Lag, Wander } from './process.ts';

/**
 * A centrifugal pump against a valve. Head h = n²·62 − 0.011·Q² (bar·10, m³/h) meets the system 8 + r(v)·Q²; shaft power is
 * Q·h/η; the bearing warms with speed and load. Cavitation shakes the pump, takes flow and makes pressure and current unsteady.
 */
export class Pump implements Machine {
  readonly id: string;
  readonly sensors = { flow: 'm³/h', pressure: 'bar', current: 'A', vibration: 'mm/s', 'bearing-temp': '°C' };
  readonly #chance: Chance;
  readonly #valve: Wander;
  readonly #speed: Wander;
  readonly #flow: Lag;
  readonly #pressure: Lag;
  readonly #bearing: Lag;
  readonly #bubbles: Wander;
  #cavitation = 0;
  #wear = 0;

  constructor(id: string, chance: Chance) {
    this.id = id;
    this.#chance = chance;
    this.#valve = new Wander(0.62, 0.06, 12, chance);
    this.#speed = new Wander(1, 0.012, 8, chance);
    this.#flow = new Lag(42, 0.4);
    this.#pressure = new Lag(3.6, 0.25);
    this.#bearing = new Lag(52, 9);
    this.#bubbles = new Wander(0, 1, 0.15, chance);
  }

  step({ timeS, dtS, ambient, faults, load = 1 }: Surroundings): void {
    this.#cavitation = severity(faults, this.id, 'cavitation', timeS);
    this.#wear = severity(faults, this.id, 'bearingWear', timeS);
    const valve = Math.min(0.85, Math.max(0.4, load * this.#valve.step(dtS)));
    const speed = this.#speed.step(dtS);
    const resistance = 0.006 / (valve * valve);
    const bubbles = this.#bubbles.step(dtS);
    const loss = 1 - this.#cavitation * (0.14 + 0.05 * bubbles);
    const flow = Math.sqrt(Math.max(0, (62 * speed * speed - 8) / (0.011 + resistance))) * loss;
    this.#flow.step(flow, dtS);
    const head = 62 * speed * speed - 0.011 * this.#flow.value * this.#flow.value;
    this.#pressure.step((head / 10) * (1 - this.#cavitation * (0.08 + 0.06 * bubbles)), dtS);
    this.#bearing.step(ambient + 22 * speed * speed + 0.14 * this.#flow.value + 10 * this.#wear, dtS);
  }

  read(): Record<string, number> {
    const { normal } = this.#chance;
    const speed = this.#speed.value;
    const vibration =
      1.4 * speed * speed + 0.008 * this.#flow.value + this.#cavitation * (2.2 + 0.8 * this.#bubbles.value) + 2.4 * this.#wear;
    const power = (this.#flow.value * this.#pressure.value) / 0.68;
    return {
      flow: this.#flow.value + 0.25 * normal(),
      pressure: this.#pressure.value + 0.015 * normal(),
      current: 4.2 + power / 13 + 0.8 * this.#wear + this.#cavitation * 0.5 * this.#bubbles.value + 0.06 * normal(),
      vibration: Math.max(0.05, vibration + 0.09 * normal()),
      'bearing-temp': this.#bearing.value + 0.12 * normal(),
    };
  }
}
