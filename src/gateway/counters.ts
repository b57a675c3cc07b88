import { type InvalidReason, invalidReasons } from '../core/window.ts';

/** What passed through since the process started. */
export class GatewayCounters {
  samples = 0;
  badSamples = 0;
  redeliveredKnown = 0;
  ticks = 0;
  scores = 0;
  scoringErrors = 0;
  raised = 0;
  cleared = 0;
  withdrawn = 0;
  recoveredSegments = 0;
  readonly invalidWindows: Record<InvalidReason, number> = Object.fromEntries(invalidReasons.map((reason) => [reason, 0])) as Record<
    InvalidReason,
    number
  >;

  get windows(): number {
    return this.scores + Object.values(this.invalidWindows).reduce((sum, count) => sum + count, 0);
  }
}
