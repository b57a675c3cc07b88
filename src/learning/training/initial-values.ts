import { gaussian, seededRandom } from '../../core/seeded-random.ts';
import { elementsOf, type Sizes } from './tape.ts';

/** Draws initial values of weights, one stream of random numbers for a whole network. */
export class InitialValues {
  readonly #normal: () => number;

  constructor(seed: number) {
    this.#normal = gaussian(seededRandom(seed));
  }

  /** Before a ReLU: deviation √(2 / inputs) (He et al. 2015). */
  he(shape: Sizes, inputs: number): Float32Array {
    return this.#draw(shape, Math.sqrt(2 / inputs));
  }

  /** Before anything linear: deviation √(2 / (inputs + outputs)) (Glorot and Bengio 2010). */
  xavier(shape: Sizes, inputs: number, outputs: number): Float32Array {
    return this.#draw(shape, Math.sqrt(2 / (inputs + outputs)));
  }

  #draw(shape: Sizes, deviation: number): Float32Array {
    return Float32Array.from({ length: elementsOf(shape) }, () => deviation * this.#normal());
  }
}
