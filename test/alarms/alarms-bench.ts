import { AssetAlarms } from '../../src/alarms/asset-alarms.ts';
import type { AlarmSettings, AssetAlarmSettings, TagSettings } from '../../src/alarms/settings.ts';
import type { AlarmTransition } from '../../src/core/alarm.ts';
import type { AlarmCommand, CommandVerb } from '../../src/core/control-row.ts';

/** What differs from the press of these tests. */
export interface BenchSettings {
  readonly alarm?: Partial<AlarmSettings>;
  readonly tag?: Partial<TagSettings>;
  readonly settings?: Partial<AssetAlarmSettings>;
}

const alarm: AlarmSettings = {
  kind: 'alert',
  priority: 'medium',
  onDelayMs: 0,
  offDelayMs: 0,
  deadband: 0.1,
  latching: false,
  acknowledge: 'required',
  notWatchedAfterMs: 60_000,
  advice: 'Check the oil filter',
  consequence: 'The press stops within a shift',
};
const tag: TagSettings = {
  column: 0,
  tag: 'press/oil-temp',
  engineeringUnit: '°C',
  limits: { hihi: 85, hi: 75 },
  deadband: 2,
  onDelayMs: 0,
  offDelayMs: 0,
  flatlineMs: null,
  badQualityMs: null,
  advice: null,
};

/** An asset's alarms, given rows and scores, and what they told. */
export class AlarmsBench {
  readonly transitions: AlarmTransition[] = [];
  readonly alarms: AssetAlarms;
  changes = 0;

  constructor(more: BenchSettings = {}) {
    const settings: AssetAlarmSettings = {
      asset: 1,
      id: 'line1/press',
      tags: ['press/oil-temp', 'press/current'],
      units: ['°C', 'A'],
      hasModel: true,
      provisional: false,
      learning: false,
      allowedLatenessMs: 0,
      alarm: { ...alarm, ...more.alarm },
      supervised: [{ ...tag, ...more.tag }],
      ...more.settings,
    };
    this.alarms = new AssetAlarms(settings, { transition: (transition) => this.transitions.push(transition), state: () => this.changes++ });
  }

  row(endMs: number, value: number, { state = 0, quality = 0, running = true } = {}): this {
    this.alarms.row({
      endMs,
      values: Float64Array.of(value, 1),
      states: Uint8Array.of(state, 0),
      qualities: Uint8Array.of(quality, 0),
      running,
    });
    return this;
  }

  score(endMs: number, ratio: number): this {
    this.alarms.score(endMs, ratio, 'press@1.0.0', () => [
      { tag: 'press/oil-temp', value: 71.4, expected: [58, 63], engineeringUnit: '°C', share: 0.8 },
      { tag: 'press/current', value: 4.2, expected: [4, 5], engineeringUnit: 'A', share: 0.1 },
    ]);
    return this;
  }

  say(verb: CommandVerb, atMs: number, more: Partial<AlarmCommand> = {}): this {
    this.alarms.command({ verb, asset: 'line1/press', by: 'ada', comment: `why ${verb}`, ...more }, atMs);
    return this;
  }

  get words(): string[] {
    return this.transitions.map(({ rule, from, to }) => `${rule} ${from} → ${to}`);
  }
}
