import type { Clock } from '../core/clock.ts';
import type { ControlRow } from '../core/control-row.ts';
import type { GatewayInlet } from './inlet.ts';

/** A source that says nothing for this long, while connected, no longer holds back windows. */
const idleAfterMs = 5_000;
const clockRowMs = 1_000;
/** While every source speaks, one of its devices may still be silent. */
const busyRowMs = 10_000;

/** Silence, written down for the fold: a source that is connected and silent becomes idle; the clock is told, more often while one is silent or gone. */
export class IdleWatch {
  readonly #inlets: readonly GatewayInlet[];
  readonly #clock: Clock;
  #clockRowMs = Number.NEGATIVE_INFINITY;

  constructor(inlets: readonly GatewayInlet[], clock: Clock) {
    this.#inlets = inlets;
    this.#clock = clock;
  }

  /** What has to be written down now. */
  check(): ControlRow[] {
    const monotonicMs = this.#clock.monotonicMs();
    const atMs = this.#clock.wallMs();
    const rows: ControlRow[] = [];
    const fallen = this.#inlets.filter(
      (inlet) => inlet.connected && !inlet.idle && !inlet.hasInput && monotonicMs - inlet.lastInputMs >= idleAfterMs,
    );
    if (fallen.length > 0) {
      for (const inlet of fallen) inlet.idle = true;
      rows.push({ kind: 'idle', atMs, sources: fallen.map(({ source }) => source) });
    }
    const everyMs = this.#inlets.some(({ idle, connected }) => idle || !connected) ? clockRowMs : busyRowMs;
    if (monotonicMs - this.#clockRowMs >= everyMs) {
      this.#clockRowMs = monotonicMs;
      rows.push({ kind: 'clock', atMs, lags: this.#inlets.map((inlet) => [inlet.source, inlet.lagMs(atMs, monotonicMs)] as const) });
    }
    return rows;
  }
}
