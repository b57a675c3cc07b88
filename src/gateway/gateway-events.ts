import type { AlarmTransition } from '../core/alarm.ts';
import type { AlarmCommand } from '../core/control-row.ts';
import type { Score } from '../core/score.ts';
import type { InvalidWindow } from '../core/window.ts';
import type { LearningStatus } from './learner.ts';

/** Who watches the gateway from inside the process: demo, dashboard. Called in the fold: be quick, throw nothing. */
export interface GatewayListener {
  score?(score: Score): void;
  invalid?(window: InvalidWindow, asset: string, windows: number): void;
  transition?(transition: AlarmTransition): void;
  /** A command that came over another way than the HTTP API was carried out; `by` is what its sender claims. Not called in the fold. */
  command?(command: AlarmCommand, over: 'mqtt'): void;
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
  command: (command, over) => {
    for (const listener of listeners) listener.command?.(command, over);
  },
  learning: (asset, status) => {
    for (const listener of listeners) listener.learning?.(asset, status);
  },
});
