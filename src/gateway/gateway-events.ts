import type { AlarmTransition } from '../core/alarm.ts';
import type { Score } from '../core/score.ts';
import type { InvalidWindow } from '../core/window.ts';
import type { LearningStatus } from './learner.ts';

/** Who watches the gateway from inside the process: demo, dashboard. Called in the fold: be quick, throw nothing. */
export interface GatewayListener {
  score?(score: Score): void;
  invalid?(window: InvalidWindow, asset: string, windows: number): void;
  transition?(transition: AlarmTransition): void;
  /** An asset begins or ends to learn, or has come further. Not called in the fold. */
  learning?(status: LearningStatus): void;
}
