import { Compressor } from './compressor.ts';
import { Conveyor } from './conveyor.ts';
import type { Fault } from './fault.ts';
import type { Machine } from './machine.ts';
import { Oven } from './oven.ts';
import { Chance, Wander } from './process.ts';
import { Pump } from './pump.ts';

export interface PlantOptions {
  readonly seed: number;
  readonly faults?: readonly Fault[];
  /** The hall warms by this much, °C, between these seconds: a drift that is no fault. */
  readonly drift?: { readonly fromS: number; readonly toS: number; readonly by: number };
}

const physicsStepS = 0.02;

/** Four machines in one hall. Time stands still between calls of `advanceTo`. */
export class Plant {
  readonly machines: readonly Machine[];
  readonly #faults: Fault[];
  readonly #hall: Wander;
  readonly #drift: PlantOptions['drift'];
  timeS = 0;

  constructor({ seed, faults = [], drift }: PlantOptions) {
    this.#faults = [...faults];
    this.#drift = drift;
    this.#hall = new Wander(22, 1.5, 300, new Chance(seed, 0));
    this.machines = [
      new Pump('line1/pump', new Chance(seed, 1)),
      new Compressor('line1/compressor', new Chance(seed, 2)),
      new Conveyor('line2/conveyor', new Chance(seed, 3)),
      new Oven('line2/oven', new Chance(seed, 4)),
    ];
    // The machines have been running for a while: heat and pressure are where they belong.
    this.#run(60);
    this.timeS = 0;
  }

  get faults(): readonly Fault[] {
    return this.#faults;
  }

  add(fault: Fault): void {
    this.#faults.push(fault);
  }

  advanceTo(timeS: number): void {
    this.#run(timeS - this.timeS);
  }

  machine(id: string): Machine {
    const found = this.machines.find((machine) => machine.id === id);
    if (found === undefined) throw new RangeError(`the plant has no machine ${id}`);
    return found;
  }

  #run(seconds: number): void {
    const steps = Math.round(seconds / physicsStepS);
    for (let i = 0; i < steps; i++) {
      this.timeS += physicsStepS;
      const ambient = this.#hall.step(physicsStepS) + this.#driftAt(this.timeS);
      for (const machine of this.machines) machine.step({ timeS: this.timeS, dtS: physicsStepS, ambient, faults: this.#faults });
    }
  }

  #driftAt(timeS: number): number {
    if (this.#drift === undefined) return 0;
    const { fromS, toS, by } = this.#drift;
    return by * Math.min(1, Math.max(0, (timeS - fromS) / (toS - fromS)));
  }
}
