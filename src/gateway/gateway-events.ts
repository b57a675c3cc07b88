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
  learning?(asset: string, status: LearningStatus): void;
}

/** Several who watch, as one. */
export const allOf = (...listeners: readonly GatewayListener[]): GatewayListener => ({
  score: (score) => {
    for (const listener of listeners) listener.score?.(score);
  },
  invalid: (window, asset, windows) => {
    for (const listener of listeners) listener.invalid?.(window, asset, windows);
  },
  transition: (transition) => {
    for (const listener of listeners) listener.transition?.(transition);
  },
  learning: (asset, status) => {
    for (const listener of listeners) listener.learning?.(asset, status);
  },
});
