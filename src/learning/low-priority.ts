import { setPriority } from 'node:os';

const niceness = 10;

/** This thread works behind everything else that wants the processor; on Linux this is the priority of the thread alone, elsewhere nothing is done. */
export function behindEverythingElse(): void {
  try {
    if (process.platform === 'linux') setPriority(0, niceness);
  } catch {
    // Not allowed here: it works at the priority it has.
  }
}
