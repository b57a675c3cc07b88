import type { DetectorParameters } from '../core/detector.ts';
import { weightOf } from './half-life.ts';

/** One row may add at most this much to the sum of ln(score / limit), and take off no more. */
const cusumStep = [-0.5, 1.5] as const;
const cusumRoom = 1.5;

export interface Judged {
  /** Score over the limit as it stands now: above 1 is abnormal. */
  readonly ratio: number;
  readonly alarm: boolean;
}

/** From the running score to an alarm that holds (DETECTOR 3.4): a CUSUM of ln(score / limit) raises it, some quiet rows end it. */
export class Decision {
  readonly #parameters: Pick<DetectorParameters, 'cusum' | 'offDelayRows' | 'rearmRows' | 'levelCap' | 'level'>;
  readonly #weight: number;
  #level: number;
  #sum = 0;
  #quietRows = 0;
  #alarmRows = 0;
  alarm = false;

  constructor(parameters: DetectorParameters) {
    this.#parameters = parameters;
    this.#weight = weightOf(parameters.halfLives.level);
    this.#level = parameters.level;
  }

  /** Whether the baseline has to stand still: an alarm does, until it has stood so long that it is a new way of running. */
  get freezes(): boolean {
    return this.alarm && !this.rearmed;
  }

  get rearmed(): boolean {
    return this.#alarmRows > this.#parameters.rearmRows;
  }

  /** `limit` and `level` belong to the channels in use; the parameters' where all are. `frozen`: the score's own level does not follow either. */
  judge(score: number, limit: number, level: number, frozen: boolean): Judged {
    const { cusum, offDelayRows, levelCap } = this.#parameters;
    const risen = Math.min(Math.log(levelCap), Math.max(0, this.#level - this.#parameters.level));
    const ratio = score / (limit * Math.exp(risen));
    const step = Math.min(cusumStep[1], Math.max(cusumStep[0], Math.log(ratio)));
    this.#sum = Math.min(cusum + cusumRoom, Math.max(0, this.#sum + step));
    this.#quietRows = ratio > 1 ? 0 : this.#quietRows + 1;
    this.alarm = this.alarm ? this.#quietRows < offDelayRows : ratio > 1 && (cusum === 0 || this.#sum > cusum);
    this.#alarmRows = this.alarm ? this.#alarmRows + 1 : 0;
    // Levels are compared over the same channels.
    if (!frozen) this.#level += this.#weight * (Math.log(score) - level + this.#parameters.level - this.#level);
    return { ratio, alarm: this.alarm };
  }

  /** No alarm, and nothing against the machine so far. */
  rest(): void {
    this.#level = this.#parameters.level;
    this.#sum = 0;
    this.#quietRows = 0;
    this.#alarmRows = 0;
    this.alarm = false;
  }

  save(): SavedDecision {
    return { level: this.#level, sum: this.#sum, quietRows: this.#quietRows, alarmRows: this.#alarmRows, alarm: this.alarm };
  }

  restore(saved: SavedDecision): void {
    this.#level = saved.level;
    this.#sum = saved.sum;
    this.#quietRows = saved.quietRows;
    this.#alarmRows = saved.alarmRows;
    this.alarm = saved.alarm;
  }
}

export interface SavedDecision {
  readonly level: number;
  readonly sum: number;
  readonly quietRows: number;
  readonly alarmRows: number;
  readonly alarm: boolean;
}
