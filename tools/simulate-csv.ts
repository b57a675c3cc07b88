/** Healthy recordings of the simulated plant, one CSV a machine: what the demo's models learn from. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Plant } from '../src/simulator/plant.ts';

/** Any moment will do: 2026-01-01. */
const epochMs = Date.UTC(2026, 0, 1);

/** Writes `<directory>/<machine>.<seed>.csv` for every machine and returns the file names by machine. The hall warms and cools by several degrees meanwhile. */
export function simulateCsv(directory: string, seeds: readonly number[], seconds: number, stepMs: number): Map<string, string[]> {
  mkdirSync(directory, { recursive: true });
  const files = new Map<string, string[]>();
  for (const [i, seed] of seeds.entries()) {
    const plant = new Plant({ seed, drift: { fromS: seconds * 0.1, toS: seconds * 0.6, by: i % 2 === 0 ? 7 : -5 } });
    const rows = new Map(plant.machines.map((machine) => [machine.id, [] as string[]]));
    for (let step = 1; step <= (seconds * 1000) / stepMs; step++) {
      plant.advanceTo((step * stepMs) / 1000);
      for (const machine of plant.machines)
        rows
          .get(machine.id)
          ?.push([epochMs + step * stepMs, ...Object.values(machine.read()).map((value) => value.toPrecision(7))].join(','));
    }
    for (const machine of plant.machines) {
      const name = machine.id.replace(/.*\//, '');
      const file = join(directory, `${name}.${seed}.csv`);
      writeFileSync(file, `time,${Object.keys(machine.sensors).join(',')}\n${rows.get(machine.id)?.join('\n')}\n`);
      files.set(name, [...(files.get(name) ?? []), file]);
    }
  }
  return files;
}
