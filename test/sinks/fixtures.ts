import type { AlarmTransition, AssetAlarmState } from '../../src/core/alarm.ts';
import { systemClock } from '../../src/core/clock.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { quality } from '../../src/core/quality.ts';
import { SampleBlockBuilder } from '../../src/core/sample-block.ts';
import type { Score } from '../../src/core/score.ts';
import type { Lane, NamedSamples, OutboxEntry, SinkContext } from '../../src/core/sink.ts';

export const atMs = Date.UTC(2026, 9, 23, 6, 12, 0, 250);

export const sinkContext = (id: string, site = 'hall1'): SinkContext => ({ id, site, clock: systemClock, log: silentLogger });

export const transition = (changes: Partial<AlarmTransition> = {}): AlarmTransition => ({
  id: `t-${changes.sequence ?? 1}`,
  sequence: 1,
  asset: 'line1/pump3',
  rule: 'anomaly',
  tag: null,
  kind: 'alarm',
  priority: 'high',
  from: 'normal',
  to: 'unacknowledged',
  atMs,
  ratio: 2.3,
  message: 'oil-temp 71.4 °C, expected 58–63; 2.3 × the limit',
  findings: [{ tag: 'line1/pump3/oil-temp', value: 71.4, expected: [58, 63], engineeringUnit: '°C', share: 0.8 }],
  advice: null,
  consequence: null,
  provisional: false,
  model: 'pump@1.0.0',
  by: null,
  comment: null,
  ...changes,
});

export const score = (changes: Partial<Score> = {}): Score => ({
  asset: 'line1/pump3',
  model: 'pump@1.0.0',
  windowEndMs: atMs,
  value: 0.25,
  limit: 0.5,
  channels: ['oil-temp', 'vibration'],
  contributions: Float32Array.of(0.125, 0.125),
  observed: Float32Array.of(60.5, 1.5),
  expected: Float32Array.of(60, 1.25),
  ...changes,
});

export const assetState = (changes: Partial<AssetAlarmState> = {}): AssetAlarmState => ({
  asset: 'line1/pump3',
  sequence: 1,
  state: 'active',
  watching: 'yes',
  watchingText: 'watching 2 tags',
  atMs,
  alarms: [
    {
      rule: 'anomaly',
      tag: null,
      state: 'unacknowledged',
      kind: 'alarm',
      priority: 'high',
      sinceMs: atMs,
      ratio: 2.3,
      message: 'oil-temp 71.4 °C',
      findings: [{ tag: 'line1/pump3/oil-temp', value: 71.4, expected: [58, 63], engineeringUnit: '°C', share: 0.8 }],
      advice: null,
      consequence: null,
      provisional: false,
      transition: 't-1',
      shelvedUntilMs: null,
    },
  ],
  ...changes,
});

/** Numeric samples of named tags; a text makes its tag a string tag. */
export function namedSamples(rows: readonly { tag: string; timeMs: number; value: number | string; quality?: number }[]): NamedSamples {
  const names = [...new Set(rows.map((row) => row.tag))];
  const texts: string[] = [];
  const stringTags = new Set(rows.filter((row) => typeof row.value === 'string').map((row) => names.indexOf(row.tag)));
  const block = new SampleBlockBuilder();
  for (const row of rows) {
    const value = typeof row.value === 'string' ? texts.push(row.value) - 1 : row.value;
    block.append(names.indexOf(row.tag), row.timeMs, value, row.quality ?? quality.good);
  }
  return { block, tagName: (index) => names[index] ?? '', textOf: (tag, value) => (stringTags.has(tag) ? texts[value] : undefined) };
}

let nextId = 1;
export const entryOf = (lane: Lane, payload: Uint8Array | undefined, count = 1, id = nextId++): OutboxEntry => {
  if (!payload) throw new Error('the sink does not send this');
  return { id, lane, count, enqueuedMs: Date.now(), payload };
};
