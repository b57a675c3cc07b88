import type { DetectorParameters } from '../core/detector.ts';
import type { SensorOffsets } from './sensor-offsets.ts';

/** What a channel gives a row. */
export interface ChannelReading {
  /** NaN: out. Else its own value or the last one, for a gap shorter than the window. */
  readonly value: number;
  /** It is a value of this very row. */
  readonly own: boolean;
}

/** Rows a channel may be away while others speak: a value that stands while the machine moves on looks like a fault. */
export const mostAlone = 5;

/**
 * Which channels can be used (detector study 2, section 5): a short gap is bridged by the last value, one of all channels for as long as a window; a channel that stays away, is bad, or is frozen on one value is out,
 * and comes back when the window holds its values again.
 */
export class ChannelWatch {
  readonly #channels: DetectorParameters['channels'];
  readonly #length: number;
  readonly #last: Float64Array;
  /** Rows since the last usable value; rows it has not changed; rows until the window holds its values again. */
  readonly #gap: Uint32Array;
  /** Of these, rows in which another channel had a value. */
  readonly #alone: Uint32Array;
  readonly #same: Uint32Array;
  readonly #returning: Uint32Array;
  /** 1: out because it stands on one value. */
  readonly #frozen: Uint8Array;
  /** 1: out of the model now. */
  readonly masked: Uint8Array;

  constructor({ channels }: DetectorParameters, length: number) {
    this.#channels = channels;
    this.#length = length;
    this.#last = new Float64Array(channels.length).fill(Number.NaN);
    this.#gap = new Uint32Array(channels.length);
    this.#alone = new Uint32Array(channels.length);
    this.#same = new Uint32Array(channels.length);
    this.#returning = new Uint32Array(channels.length);
    this.#frozen = new Uint8Array(channels.length);
    this.masked = new Uint8Array(channels.length);
  }

  /** True where the row says nothing new in any channel: it is the last one once more. */
  repeats(values: ArrayLike<number>, sensors: SensorOffsets): boolean {
    for (let c = 0; c < this.#last.length; c++)
      if (sensors.measures(c) || sensors.read(c, values[c] as number) !== this.#last[c]) return false;
    return true;
  }

  /** `others`: some channel has a value in this row. `inAlarm`: a channel that stands still now is part of what is going on (a valve at its end, a flow gone), and stays in; one that was out stays out. */
  read(c: number, value: number, bad: boolean, others: boolean, inAlarm: boolean): ChannelReading {
    const { frozenAfter } = this.#channels[c] as DetectorParameters['channels'][number];
    const usable = Number.isFinite(value);
    if (usable) {
      this.#same[c] = value === this.#last[c] ? (this.#same[c] as number) + 1 : 0;
      this.#last[c] = value;
      this.#gap[c] = 0;
      this.#alone[c] = 0;
    } else {
      this.#gap[c] = (this.#gap[c] as number) + 1;
      if (others) this.#alone[c] = (this.#alone[c] as number) + 1;
    }
    const still = (this.#same[c] as number) > frozenAfter;
    this.#frozen[c] = Number(still && (!inAlarm || this.#frozen[c] === 1));
    const frozen = this.#frozen[c] === 1;
    const away = (this.#gap[c] as number) > this.#length || (this.#alone[c] as number) > mostAlone;
    const out = bad || away || frozen || Number.isNaN(this.#last[c]);
    if (out) this.#returning[c] = this.#length;
    else if ((this.#returning[c] as number) > 0) this.#returning[c] = (this.#returning[c] as number) - 1;
    this.masked[c] = out || (this.#returning[c] as number) > 0 ? 1 : 0;
    return { value: out ? Number.NaN : (this.#last[c] as number), own: usable && !out };
  }

  /** Rows since any channel had a usable value. */
  get hole(): number {
    return Math.min(...this.#gap);
  }

  /** So many rows did not come: what was last heard is as old. */
  missed(rows: number): void {
    for (let c = 0; c < this.#gap.length; c++) this.#gap[c] = (this.#gap[c] as number) + rows;
  }

  /** Channels that stand on one value. */
  frozen(): number[] {
    return [...this.#frozen.keys()].filter((c) => this.#frozen[c] === 1);
  }

  save(): SavedWatch {
    return {
      last: Array.from(this.#last, (value) => (Number.isNaN(value) ? null : value)),
      gap: [...this.#gap],
      alone: [...this.#alone],
      same: [...this.#same],
      returning: [...this.#returning],
      frozen: [...this.#frozen],
    };
  }

  restore({ last, gap, alone, same, returning, frozen }: SavedWatch): void {
    this.#last.set(last.map((value) => value ?? Number.NaN));
    this.#gap.set(gap);
    this.#alone.set(alone ?? gap);
    this.#same.set(same);
    this.#returning.set(returning);
    this.#frozen.set(frozen);
    returning.forEach((rows, c) => {
      this.masked[c] = rows > 0 ? 1 : 0;
    });
  }
}

export interface SavedWatch {
  readonly last: readonly (number | null)[];
  readonly gap: readonly number[];
  /** Left out by those who wrote before it was told apart. */
  readonly alone?: readonly number[];
  readonly same: readonly number[];
  readonly returning: readonly number[];
  readonly frozen: readonly number[];
}
