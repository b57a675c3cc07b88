import { severity } from './fault.ts';
import type { Machine, Surroundings } from './machine.ts';
import { type Chance, Lag, Wander } from './process.ts';

/**
 * A continuous oven with two zones. Product takes heat out, a controller feeds it back in; a thermocouple that sticks goes on showing its last value to people and
 * controller alike.
 */
export class Oven implements Machine {
  readonly id: string;
  readonly sensors = { 'zone1-temp': '°C', 'zone2-temp': '°C', 'heater-power': 'kW', 'fan-current': 'A', throughput: 'kg/h' };
  readonly #chance: Chance;
  readonly #throughput: Wander;
  readonly #zone1: Lag;
  readonly #zone2: Lag;
  #power = 40;
  #fed: number;
  #stuck: number | undefined;
  #isStuck = false;

  constructor(id: string, chance: Chance) {
    this.id = id;
    this.#chance = chance;
    this.#throughput = new Wander(520, 45, 9, chance);
    this.#fed = this.#throughput.value;
    this.#zone1 = new Lag(205, 5);
    this.#zone2 = new Lag(188, 6);
  }

  step({ timeS, dtS, ambient, faults, load = 1 }: Surroundings): void {
    this.#isStuck = severity(faults, this.id, 'stuckSensor', timeS) > 0;
    this.#fed = load * this.#throughput.step(dtS);
    const throughput = this.#fed;
    const shown = this.#stuck ?? this.#zone1.value;
    const wanted = 18 + 0.046 * throughput + 1.9 * (205 - shown);
    this.#power += (Math.min(80, Math.max(5, wanted)) - this.#power) * (1 - Math.exp(-dtS / 1.5));
    this.#zone1.step(ambient + 178 + 2.2 * this.#power - 0.17 * throughput, dtS);
    this.#zone2.step(0.9 * this.#zone1.value + 0.12 * ambient - 0.004 * throughput + 2.5, dtS);
  }

  read(): Record<string, number> {
    const { normal } = this.#chance;
    const live = this.#zone1.value + 0.4 * normal();
    if (!this.#isStuck) this.#stuck = undefined;
    else this.#stuck ??= live;
    return {
      'zone1-temp': this.#stuck ?? live,
      'zone2-temp': this.#zone2.value + 0.4 * normal(),
      'heater-power': this.#power + 0.25 * normal(),
      'fan-current': 6.4 + 0.0022 * this.#fed + 0.04 * normal(),
      throughput: this.#fed + 3 * normal(),
    };
  }
}
