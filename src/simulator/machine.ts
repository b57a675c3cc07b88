import type { Fault } from './fault.ts';

/** What surrounds a machine at one moment. */
export interface Surroundings {
  readonly timeS: number;
  readonly dtS: number;
  /** Temperature of the hall, °C. */
  readonly ambient: number;
  /** Of what the machine usually has to do; 1 where nothing is said. */
  readonly load?: number;
  readonly faults: readonly Fault[];
}

/** A simulated machine: steps its physics, then reads its sensors. */
export interface Machine {
  readonly id: string;
  /** Sensor names without the asset's id, with their units. */
  readonly sensors: Readonly<Record<string, string>>;
  step(surroundings: Surroundings): void;
  /** The sensors' readings now, in engineering units, noise included. */
  read(): Record<string, number>;
}
