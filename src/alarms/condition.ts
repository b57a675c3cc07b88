/**
 * A raw condition with on-delay and off-delay, on event time. Between the setpoint and the deadband's edge nothing changes. A moment without a verdict leaves everything as it is.
 */
export class DelayedCondition {
  readonly #onDelayMs: number;
  readonly #offDelayMs: number;
  active = false;
  /** Since when the raw condition has pointed the other way than `active`; null when it does not. */
  #changingSinceMs: number | null = null;

  constructor(onDelayMs: number, offDelayMs: number) {
    this.#onDelayMs = onDelayMs;
    this.#offDelayMs = offDelayMs;
  }

  /** `raw`: true beyond the setpoint, false below the deadband, undefined between. Returns true when `active` changed. */
  update(raw: boolean | undefined, atMs: number): boolean {
    if (raw === undefined || raw === this.active) {
      // Between setpoint and deadband a pending rise is over, but a standing alarm does not begin to clear.
      this.#changingSinceMs = null;
      return false;
    }
    this.#changingSinceMs ??= atMs;
    if (atMs - this.#changingSinceMs < (raw ? this.#onDelayMs : this.#offDelayMs)) return false;
    this.active = raw;
    this.#changingSinceMs = null;
    return true;
  }

  /** Ends the condition at once, as when a machine is stopped. */
  clear(): void {
    this.active = false;
    this.#changingSinceMs = null;
  }

  save(): [boolean, number | null] {
    return [this.active, this.#changingSinceMs];
  }

  restore([active, changingSinceMs]: [boolean, number | null]): void {
    this.active = active;
    this.#changingSinceMs = changingSinceMs;
  }
}
