import type { DetectorParameters } from '../core/detector.ts';
import { limitOf, scoreOf } from './limit.ts';

const mostKept = 64;

/** The limit for the channels that are left when some are out, found from the calibration windows when it is first needed. */
export class MaskedLimits {
  readonly #parameters: DetectorParameters;
  readonly #known = new Map<string, MaskedLimit>();
  /** The model's own limit over that of the windows stored with it: more of them, or a budget, set it. */
  readonly #scale: number;
  readonly #shift: number;

  constructor(parameters: DetectorParameters, limit: number) {
    this.#parameters = parameters;
    const stored = this.#find(undefined);
    this.#scale = limit / stored.limit;
    this.#shift = parameters.level - stored.level;
  }

  /** `masked`: 1 where a channel is out. */
  limitFor(masked: Uint8Array): MaskedLimit {
    const key = masked.join('');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const { limit, level } = this.#find(masked);
    const found = { limit: limit * this.#scale, level: level + this.#shift };
    if (this.#known.size >= mostKept) this.#known.clear();
    this.#known.set(key, found);
    return found;
  }

  #find(masked: Uint8Array | undefined): MaskedLimit {
    const { calibration, channels, median } = this.#parameters;
    const { members, parts, length } = calibration;
    const width = members * channels.length;
    const scores = Float64Array.from({ length: parts.length / width }, (_, w) =>
      scoreOf(parts, w * width, members, channels.length, length, masked),
    );
    return limitOf(scores, length, median, calibration);
  }
}

export interface MaskedLimit {
  readonly limit: number;
  /** Mean of ln(score). */
  readonly level: number;
}
