import type { DetectorParameters } from '../core/detector.ts';

export interface MaskedLimit {
  readonly limit: number;
  /** Mean of ln(score) on healthy rows. */
  readonly level: number;
}

/** What is left of a plant that hangs together is judged with more room: a false alarm costs more than a little delay. */
const partialRoom = 1.25;

/**
 * The limit for the channels that are left when some are out. For one channel it was measured while learning, with the channel held at its mean as it is when it is out; for several their
 * effects are taken together, which is the careful side.
 */
export function limitWithout({ channels, level }: DetectorParameters, limit: number, masked: Uint8Array): MaskedLimit {
  let factor = partialRoom;
  let shift = 0;
  channels.forEach(({ limitWithout: without, levelWithout }, c) => {
    if (masked[c] === 0) return;
    factor *= without;
    shift += levelWithout;
  });
  return { limit: limit * factor, level: level + shift };
}
