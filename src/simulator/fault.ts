/** What can happen to a machine. `ambientDrift` is no fault: the hall warms up, and nothing may be raised for it. */
export type FaultKind = 'cavitation' | 'bearingWear' | 'blockedFilter' | 'stuckSensor';

export interface Fault {
  readonly asset: string;
  readonly kind: FaultKind;
  /** Seconds since the plant started. */
  readonly onsetS: number;
  /** Seconds until it is mended. */
  readonly durationS: number;
  /** Seconds over which it grows to its full size. */
  readonly growthS: number;
  /** Its full size beside the usual; 1 where nothing is said. */
  readonly size?: number;
}

/** How far a machine is into a fault of this kind: 0 none, 1 its usual full size. */
export function severity(faults: readonly Fault[], asset: string, kind: FaultKind, timeS: number): number {
  let worst = 0;
  for (const fault of faults) {
    if (fault.asset !== asset || fault.kind !== kind || timeS < fault.onsetS || timeS >= fault.onsetS + fault.durationS) continue;
    const grown = fault.growthS === 0 ? 1 : Math.min(1, (timeS - fault.onsetS) / fault.growthS);
    worst = Math.max(worst, grown * (fault.size ?? 1));
  }
  return worst;
}
