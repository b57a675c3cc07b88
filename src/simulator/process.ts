import { gaussian, seededRandom } from '../core/seeded-random.ts';

/** Random inputs of the plant, each machine with a stream of its own, so that one machine's noise does not depend on another. */
export class Chance {
  readonly uniform: () => number;
  readonly normal: () => number;

  constructor(seed: number, stream: number) {
    this.uniform = seededRandom((seed * 2_654_435_761 + stream * 40_503) >>> 0);
    this.normal = gaussian(this.uniform);
  }
}

/** An Ornstein-Uhlenbeck process: wanders about `mean`, forgets within `timeConstantS`, deviates by `deviation`. */
export class Wander {
  readonly #mean: number;
  readonly #deviation: number;
  readonly #timeConstantS: number;
  readonly #chance: Chance;
  value: number;

  constructor(mean: number, deviation: number, timeConstantS: number, chance: Chance) {
    this.#mean = mean;
    this.#deviation = deviation;
    this.#timeConstantS = timeConstantS;
    this.#chance = chance;
    this.value = mean + deviation * chance.normal();
  }

  step(dtS: number): number {
    const keep = Math.exp(-dtS / this.#timeConstantS);
    this.value = this.#mean + (this.value - this.#mean) * keep + this.#deviation * Math.sqrt(1 - keep * keep) * this.#chance.normal();
    return this.value;
  }
}

/** A first-order lag: heat in iron, pressure in a pipe. */
export class Lag {
  readonly #timeConstantS: number;
  value: number;

  constructor(value: number, timeConstantS: number) {
    this.value = value;
    this.#timeConstantS = timeConstantS;
  }

  step(target: number, dtS: number): number {
    this.value += (target - this.value) * (1 - Math.exp(-dtS / this.#timeConstantS));
    return this.value;
  }
}
