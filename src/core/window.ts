/**
 * Windows ready to score, in columns. `values` is `[count, length, channels]`, float32, row-major, in the channels'
 * engineering units. One batch per model: windows of many assets stand side by side.
 */
export interface WindowBatch {
  readonly length: number;
  readonly channels: number;
  readonly count: number;
  readonly values: Float32Array;
  /** Asset index of each window. */
  readonly asset: Uint32Array;
  /** End of each window (exclusive), ms since the epoch. */
  readonly endMs: Float64Array;
}

/** A batch that grows by doubling and is used again. */
export class WindowBatchBuilder implements WindowBatch {
  readonly length: number;
  readonly channels: number;
  count = 0;
  values: Float32Array;
  asset = new Uint32Array(16);
  endMs = new Float64Array(16);

  constructor(length: number, channels: number) {
    this.length = length;
    this.channels = channels;
    this.values = new Float32Array(16 * length * channels);
  }

  /** Opens room for one window and returns the offset of its first value. */
  open(asset: number, endMs: number): number {
    if (this.count === this.asset.length) this.#grow();
    const window = this.count++;
    this.asset[window] = asset;
    this.endMs[window] = endMs;
    return window * this.length * this.channels;
  }

  clear(): void {
    this.count = 0;
  }

  #grow(): void {
    const capacity = this.asset.length * 2;
    const values = new Float32Array(capacity * this.length * this.channels);
    values.set(this.values);
    this.values = values;
    const asset = new Uint32Array(capacity);
    asset.set(this.asset);
    this.asset = asset;
    const endMs = new Float64Array(capacity);
    endMs.set(this.endMs);
    this.endMs = endMs;
  }
}

/** Why a window has no score. Stored in the journal: append, never renumber. */
export const invalidReasons = [
  'missing',
  'stale',
  'bad',
  'stopped',
  'settling',
  'noModel',
  'scoringFailed',
  'gap',
  'filling',
  'tooFewChannels',
  'maintenance',
  'newContext',
] as const;
export type InvalidReason = (typeof invalidReasons)[number];

export interface InvalidWindow {
  readonly asset: number;
  readonly endMs: number;
  readonly reason: InvalidReason;
  /** The tag that was to blame, where one was. */
  readonly tag: number | undefined;
}
