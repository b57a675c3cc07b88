import { AssetAlarms } from '../alarms/asset-alarms.ts';
import type { SavedAlarms } from '../alarms/saved-alarms.ts';
import type { AssetAlarmSettings } from '../alarms/settings.ts';
import type { AlarmTransition, AssetAlarmState } from '../core/alarm.ts';
import { parseCommand } from '../gateway/commands.ts';
import type { FlowScore } from './flow-scorer.ts';
import type { FlowInvalidWindow } from './flow-windows.ts';
import { planFlow } from './plan-flow.ts';

export interface FlowAlarmsOptions {
  /** Name of the machine, as in `line1/pump3`. */
  readonly asset: string;
  /** `alarm:` of the asset, as in fettle.yaml: onDelay, offDelay, deadband, latching, priority, advice, notWatchedAfter … */
  readonly alarm?: object;
}

/** Scores → alarm states and their changes, by the words of ISA-18.2, as the gateway decides them. */
export class FlowAlarms {
  readonly #alarms: AssetAlarms;
  readonly #asset: string;
  #newestMs = Number.NEGATIVE_INFINITY;
  #heardMs = 0;

  /** Throws FETTLE_CONFIG_INVALID with everything that is wrong. */
  constructor({ asset, alarm = {} }: FlowAlarmsOptions, transition: (transition: AlarmTransition) => void) {
    const { plan } = planFlow({ asset, values: ['score'], alarm });
    // Nobody sees its rows here, only what a model says of them.
    const settings: AssetAlarmSettings = { ...(plan.alarms[0] as AssetAlarmSettings), tags: [], units: [], supervised: [], hasModel: true };
    this.#asset = asset;
    this.#alarms = new AssetAlarms(settings, { transition, state: () => {} });
  }

  score({ windowEndMs, value, limit, model, findings }: FlowScore): void {
    this.#hear(windowEndMs);
    this.#alarms.score(windowEndMs, value / limit, model, () => findings);
  }

  invalid({ endMs, reason }: FlowInvalidWindow): void {
    this.#hear(endMs);
    this.#alarms.invalid(endMs, reason);
  }

  /** Time goes on without windows: it is what says "not watched". `nowMs`: the wall clock. */
  clock(nowMs = Date.now()): void {
    if (this.#heardMs > 0) this.#alarms.clock(this.#newestMs + (nowMs - this.#heardMs));
  }

  /** As over MQTT or the API. Throws FETTLE_COMMAND_INVALID. */
  command(verb: string, details: object = {}, nowMs = Date.now()): void {
    this.#alarms.command(parseCommand(verb, { ...details, asset: this.#asset }), nowMs);
  }

  state(): AssetAlarmState {
    return this.#alarms.document();
  }

  /** To go on after a restart. */
  save(): object {
    return this.#alarms.save();
  }

  restore(saved: object): void {
    this.#alarms.restore(saved as SavedAlarms);
  }

  #hear(endMs: number): void {
    this.#newestMs = Math.max(this.#newestMs, endMs);
    this.#heardMs = Date.now();
  }
}
