import type { DetectorParameters } from '../core/detector.ts';
import { type Limit, limitOf, scoreOf } from './limit.ts';

const mostKept = 64;

/** The limit for the channels that are left when some are out, found from the calibration windows when it is first needed. */
export class MaskedLimits {
  readonly #parameters: DetectorParameters;
  readonly #known = new Map<string, Limit>();

  constructor(parameters: DetectorParameters) {
    this.#parameters = parameters;
  }

  /** `masked`: 1 where a channel is out. */
  limitFor(masked: Uint8Array): Limit {
    const key = masked.join('');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const { calibration, median } = this.#parameters;
    const { members, parts, length } = calibration;
    const channels = masked.length;
    const width = members * channels;
    const scores = Float64Array.from({ length: parts.length / width }, (_, w) =>
      scoreOf(parts, w * width, members, channels, length, masked),
    );
    const found = limitOf(scores, length, median, calibration);
    if (this.#known.size >= mostKept) this.#known.clear();
    this.#known.set(key, found);
    return found;
  }
}
