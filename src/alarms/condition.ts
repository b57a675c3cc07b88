/** Raised as often as this within that time, a condition flutters: it then has to be over for as long before it counts as over, so that people hear of it once. */
const flutterTimes = 3;
const flutterMs = 600_000;

/** As it is saved: active, since when it has been changing, and when it was last raised. */
export type SavedCondition = readonly [boolean, number | null, (readonly number[])?];

/**
 * A raw condition with on-delay and off-delay, on event time. Between the setpoint and the deadband's edge nothing changes. A moment without a verdict leaves everything as it is.
 */
export class DelayedCondition {
  readonly #onDelayMs: number;
  readonly #offDelayMs: number;
  readonly #steadies: boolean;
  /** When it was last raised, oldest first. */
  #raisedMs: readonly number[] = [];
  active = false;
  /** Since when the raw condition has pointed the other way than `active`; null when it does not. */
  #changingSinceMs: number | null = null;

  /** `steadies`: holds on while it flutters. */
  constructor(onDelayMs: number, offDelayMs: number, steadies: boolean) {
    this.#onDelayMs = onDelayMs;
    this.#offDelayMs = offDelayMs;
    this.#steadies = steadies;
  }

  /** `raw`: true beyond the setpoint, false below the deadband, undefined between. Returns true when `active` changed. */
  update(raw: boolean | undefined, atMs: number): boolean {
    if (raw === undefined || raw === this.active) {
      // Between setpoint and deadband a pending rise is over, but a standing alarm does not begin to clear.
      this.#changingSinceMs = null;
      return false;
    }
    this.#changingSinceMs ??= atMs;
    if (atMs - this.#changingSinceMs < (raw ? this.#onDelayMs : this.#holdMs)) return false;
    this.active = raw;
    if (raw && this.#steadies) this.#raisedMs = [...this.#raisedMs, atMs].slice(-flutterTimes);
    this.#changingSinceMs = null;
    return true;
  }

  /** Neither active nor about to be. */
  get rests(): boolean {
    return !this.active && this.#changingSinceMs === null;
  }

  /** Ends the condition at once, as when a machine is stopped. */
  clear(): void {
    this.active = false;
    this.#changingSinceMs = null;
  }

  /** How long it has to be over. */
  get #holdMs(): number {
    const [first = 0] = this.#raisedMs;
    const flutters = this.#raisedMs.length === flutterTimes && (this.#raisedMs.at(-1) as number) - first < flutterMs;
    return flutters ? Math.max(flutterMs, this.#offDelayMs) : this.#offDelayMs;
  }

  save(): SavedCondition {
    return [this.active, this.#changingSinceMs, this.#raisedMs];
  }

  restore([active, changingSinceMs, raisedMs = []]: SavedCondition): void {
    this.active = active;
    this.#changingSinceMs = changingSinceMs;
    this.#raisedMs = raisedMs;
  }
}
