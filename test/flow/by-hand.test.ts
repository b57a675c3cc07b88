import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AlarmTransition } from '../../src/core/alarm.ts';
import type { Score } from '../../src/core/score.ts';
import { FlowAlarms } from '../../src/flow/flow-alarms.ts';
import { type FlowScore, FlowScorer } from '../../src/flow/flow-scorer.ts';
import { FlowWindows, type FormedWindows } from '../../src/flow/flow-windows.ts';
import type { FlowSample } from '../../src/flow/message-samples.ts';
import { Plant } from '../../src/simulator/plant.ts';
import { root } from '../house/sources.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway } from '../support/gateway.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const asset = 'line1/pump';
const model = join(root, 'models/pump/1.0.0');
const stepMs = 100;
const grid = { step: '100ms', length: 32, slide: 4 };
const alarm = { onDelay: '800ms', offDelay: '1500ms', advice: 'Check the strainer' };
const startMs = Math.floor(Date.now() / 1000) * 1000 - 120_000;

/** A minute of the simulated pump, with a fault in its second half, gaps and a bad value: what was recorded. */
function recorded(): FlowSample[][] {
  const plant = new Plant({ seed: 11 });
  plant.add({ asset, kind: 'cavitation', growthS: 1, onsetS: 30, durationS: 15 });
  return Array.from({ length: 600 }, (_, i): FlowSample[] => {
    plant.advanceTo((i * stepMs) / 1000);
    if (i >= 100 && i < 140) return [];
    const time = startMs + i * stepMs + 7;
    return Object.entries(plant.machine(asset).read()).map(([tag, value]) => ({
      tag,
      value,
      time,
      ...(i >= 200 && i < 205 && tag === 'current' && { quality: 'bad' as const }),
    }));
  }).filter((samples) => samples.length > 0);
}

const values = Object.keys(new Plant({ seed: 11 }).machine(asset).sensors);

describe('windows, scores and alarms wired by hand', () => {
  it('are those of a gateway that is given the same samples, bit for bit', async () => {
    const samples = recorded();
    const gatewayScores: Score[] = [];
    const gatewayAlarms: AlarmTransition[] = [];
    const gateway = await startGateway(
      {
        site: 'north',
        data: temporaryDirectory(),
        sources: [{ id: 'flow', type: 'http', tags: values.map((value) => ({ tag: `${asset}/${value}` })) }],
        assets: [{ id: asset, tags: values.map((value) => `${asset}/${value}`), window: grid, detector: { model }, alarm }],
      },
      { listener: { score: (score) => gatewayScores.push(score), transition: (one) => gatewayAlarms.push(one) } },
    );
    for (let i = 0; i < samples.length; i += 50) {
      const together = samples.slice(i, i + 50).flat();
      await gateway.push(
        'flow',
        together.map((sample) => ({ ...sample, tag: `${asset}/${sample.tag}` })),
        false,
      );
    }

    const windows = new FlowWindows({ asset, values, ...grid });
    const scorer = await FlowScorer.open(model);
    onTestFinished(() => scorer.close());
    const flowAlarms: AlarmTransition[] = [];
    const alarms = new FlowAlarms({ asset, alarm }, (one) => flowAlarms.push(one));
    const scores: FlowScore[] = [];
    // Cut otherwise: a message a moment.
    const formed: FormedWindows[] = samples.map((message) => windows.push(message));
    for (const { windows: own, invalid } of formed) {
      const scored = await Promise.all(own.map((window) => scorer.score(window)));
      for (const score of scored) {
        scores.push(score);
        alarms.score(score);
      }
      for (const one of invalid) alarms.invalid(one);
    }
    expect(scores.length).toBeGreaterThan(80);
    await eventually(() => gatewayScores.length === scores.length, `${gatewayScores.length} and ${scores.length} scores`);
    const bare = ({ windowEndMs, value, limit, contributions, observed, expected }: Score) => ({
      windowEndMs,
      value,
      limit,
      parts: [contributions, observed, expected].map((part) => [...part]),
    });
    expect(scores.map(bare)).toEqual(gatewayScores.map(bare));
    const told = ({ rule, from, to, atMs, message, findings }: AlarmTransition) => ({
      rule,
      from,
      to,
      atMs,
      message: message.replaceAll(/ (m³\/h|bar|A|mm\/s|°C)/g, ''),
      findings: findings.map(({ tag, value, expected }) => ({ tag, value, expected })),
    });
    expect(flowAlarms.filter(({ rule }) => rule === 'anomaly').map(told)).toEqual(
      gatewayAlarms.filter(({ rule }) => rule === 'anomaly').map(told),
    );
    expect(flowAlarms.map(({ rule, to }) => `${rule} ${to}`)).toContain('anomaly unacknowledged');
    // Where the samples have a hole and where they are bad, and why.
    expect(new Set(formed.flatMap(({ invalid }) => invalid.map(({ reason }) => reason)))).toEqual(new Set(['stale', 'bad']));
  });

  it('refuse what does not belong together, in words', async () => {
    expect(() => new FlowWindows({ asset: 'line1/#', values, ...grid })).toThrow(
      'the machine must be a name like line1/pump3/flow, without + # $, and no / at either end',
    );
    expect(() => new FlowWindows({ asset, values, ...grid, step: 'soon' })).toThrow(/window\.step/);
    const windows = new FlowWindows({ asset, values, ...grid, length: 16 });
    expect(() => windows.push([{ tag: 'steam', value: 1 }])).toThrow('line1/pump: none of the values is watched: steam');
    expect(
      windows.push([
        { tag: 'steam', value: 1 },
        { tag: 'flow', value: 1 },
      ]).ignored,
    ).toEqual(['steam']);
    const scorer = await FlowScorer.open(model);
    onTestFinished(() => scorer.close());
    const window = {
      asset,
      channels: values.map((value) => `${asset}/${value}`),
      stepMs,
      endMs: 0,
      values: new Float32Array(16 * values.length),
    };
    await expect(scorer.score(window)).rejects.toMatchObject({
      code: 'FETTLE_MODEL_MISMATCH',
      message: expect.stringContaining('32 steps of 100 ms'),
    });
    const other = { ...window, channels: values.map((_, i) => `c${i}`), values: new Float32Array(32 * values.length) };
    await expect(scorer.score(other)).rejects.toMatchObject({ code: 'FETTLE_MODEL_MISMATCH' });
    await expect(FlowScorer.open(temporaryDirectory())).rejects.toMatchObject({ code: 'FETTLE_MODEL_INVALID' });
    expect(() => new FlowAlarms({ asset, alarm: { onDelay: 'late' } }, () => {})).toThrow(/onDelay/);
  });

  it('score in batches what comes at once, and answer everybody before the end', async () => {
    const scorer = await FlowScorer.open(model);
    const windows = new FlowWindows({ asset, values, ...grid });
    const all = recorded().flatMap((message) => windows.push(message).windows);
    const answers = Promise.all(all.map((window) => scorer.score(window)));
    const closed = scorer.close();
    expect((await answers).map(({ windowEndMs }) => windowEndMs)).toEqual(all.map(({ endMs }) => endMs));
    await closed;
    await expect(scorer.score(all[0] as (typeof all)[0])).rejects.toMatchObject({ code: 'FETTLE_SOURCE_BUSY' });
  });

  it('go on after a restart with the alarm that stands, and shelve it', () => {
    const said: string[] = [];
    const listener = (one: AlarmTransition): void => void said.push(`${one.rule} ${one.to}`);
    const before = new FlowAlarms({ asset }, listener);
    const high = (endMs: number): FlowScore =>
      ({ windowEndMs: endMs, value: 3, limit: 1, model: 'pump@1.0.0', findings: [], asset, channels: [] }) as unknown as FlowScore;
    before.score(high(startMs));
    expect(said).toEqual(['anomaly unacknowledged']);
    const after = new FlowAlarms({ asset }, listener);
    after.restore(JSON.parse(JSON.stringify(before.save())) as object);
    after.score(high(startMs + 1000));
    expect(said).toHaveLength(1);
    after.command('shelve', { for: '1h', by: 'anna' });
    expect(said).toEqual(['anomaly unacknowledged', 'anomaly shelved']);
    expect(after.state().alarms).toMatchObject([{ rule: 'anomaly', state: 'shelved' }]);
    expect(() => after.command('sing')).toThrow(/there is no command "sing"/);
  });
});
