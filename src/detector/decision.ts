import type { DetectorParameters } from '../core/detector.ts';
import { weightOf } from './half-life.ts';

/** One row may add at most this much to the sum of ln(score / limit), and take off no more. */
const cusumStep = [-0.5, 1.5] as const;
const cusumRoom = 1.5;
/** A row adds at most so many times the limit to the mean over more rows. */
const sustainedMost = 1.5;

/** What a score is held against. */
export interface Standard {
  readonly limit: number;
  /** Mean of ln(score) on healthy rows. */
  readonly level: number;
  /** Channels are out: both are those of the channels that are left. */
  readonly partial: boolean;
}

export interface Judged {
  /** Score over the limit as it stands now: above 1 is abnormal. */
  readonly ratio: number;
  readonly alarm: boolean;
}

/**
 * From the running score to an alarm that holds (DETECTOR 3.4): a CUSUM of ln(score / limit) raises it, some quiet rows end it. Rows are not quiet while a mean of ln(score) over more
 * of them stays well above its level: a fault that dips below the limit is still there.
 */
export class Decision {
  readonly #parameters: Pick<DetectorParameters, 'cusum' | 'sustained' | 'offDelayRows' | 'rearmRows' | 'levelCap' | 'level'>;
  readonly #weight: number;
  #level: number;
  #sum = 0;
  /** Mean of ln(score) over its level, over more rows. */
  #sustained = 0;
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

  /** `frozen`: the score's own level does not follow either. */
  judge(score: number, { limit, level, partial }: Standard, frozen: boolean): Judged {
    const { cusum, offDelayRows, levelCap, sustained } = this.#parameters;
    const risen = Math.min(Math.log(levelCap), Math.max(0, this.#level - this.#parameters.level));
    const ratio = score / (limit * Math.exp(risen));
    const step = Math.min(cusumStep[1], Math.max(cusumStep[0], Math.log(ratio)));
    this.#sum = Math.min(cusum + cusumRoom, Math.max(0, this.#sum + step));
    if (sustained !== null) {
      // A fault far above the limit must not be remembered for longer than one just above it; with channels missing the level is a guess.
      const above = partial ? 0 : Math.min(sustainedMost * sustained.limit, Math.log(score) - level - risen);
      this.#sustained += weightOf(sustained.halfLifeRows) * (above - this.#sustained);
    }
    const stays = sustained !== null && this.#sustained > sustained.limit;
    this.#quietRows = ratio > 1 || stays ? 0 : this.#quietRows + 1;
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
    this.#sustained = 0;
    this.#quietRows = 0;
    this.#alarmRows = 0;
    this.alarm = false;
  }

  save(): SavedDecision {
    return {
      level: this.#level,
      sum: this.#sum,
      sustained: this.#sustained,
      quietRows: this.#quietRows,
      alarmRows: this.#alarmRows,
      alarm: this.alarm,
    };
  }

  restore(saved: SavedDecision): void {
    this.#level = saved.level;
    this.#sum = saved.sum;
    this.#sustained = saved.sustained ?? 0;
    this.#quietRows = saved.quietRows;
    this.#alarmRows = saved.alarmRows;
    this.alarm = saved.alarm;
  }
}

export interface SavedDecision {
  readonly level: number;
  readonly sum: number;
  /** Absent in what earlier versions kept. */
  readonly sustained?: number;
  readonly quietRows: number;
  readonly alarmRows: number;
  readonly alarm: boolean;
}
