import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { AlarmTransition } from '../../src/core/alarm.ts';
import type { Score } from '../../src/core/score.ts';
import { type FlowSample, samplesOfMessage } from '../../src/flow/message-samples.ts';
import { Watch, type WatchListener, type WatchOptions } from '../../src/flow/watch.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway } from '../support/gateway.ts';
import { syntheticRows } from '../support/synthetic-machine.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** What learns stands behind everything else that wants the processor, other tests too. */
const learnsWithin = 90_000;
const stepMs = 100;
const channels = ['flow', 'motor current', 'temperature', 'pressure'];
const rows = 3_000;
const machine = syntheticRows({ rows, channels: channels.length, seed: 5 });
const startMs = Date.now() - rows * stepMs - 60_000;

const row = (i: number, change = 0): FlowSample[] =>
  channels.map((tag, c) => ({
    tag,
    time: startMs + i * stepMs,
    value: (machine[i * channels.length + c] as number) + (c === 1 ? change : 0),
  }));

async function feed(watch: Watch, from: number, to: number, change = 0): Promise<void> {
  for (let i = from; i < to; i += 20) {
    const count = Math.min(20, to - i);
    await watch.push(Array.from({ length: count }, (_, k) => row(i + k, change)).flat());
  }
}

async function open(options: Partial<WatchOptions>, listener: WatchListener = {}): Promise<Watch> {
  const watch = await Watch.open(
    { directory: temporaryDirectory(), asset: 'line1/pump', step: '100ms', learn: '1m', gatherMs: 50, ...options },
    listener,
  );
  onTestFinished(() => watch.close());
  return watch;
}

it(
  'finds out what there is to watch, learns it, raises a fault, and goes on after it was closed',
  async () => {
    const directory = temporaryDirectory();
    const transitions: AlarmTransition[] = [];
    let scores = 0;
    const listener: WatchListener = { transition: (transition) => void transitions.push(transition), score: () => void scores++ };
    const watch = await open({ directory }, listener);
    expect(watch.state()).toMatchObject({ state: 'gathering', text: 'waits for the first values' });
    await watch.push(row(0));
    expect(watch.state().text).toBe('finds out which values there are');
    await eventually(() => watch.state().state === 'learning', 'the values are known');
    expect(watch.state().values).toEqual(channels);
    await watch.push([{ tag: 'speed', value: 4 }]);
    expect(watch.ignored).toEqual(['speed']);
    await feed(watch, 1, 700);
    await eventually(() => watch.state().state === 'normal', 'a model judges', learnsWithin);
    await feed(watch, 700, 1200);
    await eventually(() => scores > 300, 'scores');
    expect(transitions.filter(({ rule }) => rule === 'anomaly')).toEqual([]);
    await watch.close();
    await expect(watch.push(row(1200))).rejects.toMatchObject({ code: 'FETTLE_SOURCE_BUSY' });

    const again = await open({ directory }, listener);
    expect(again.state()).toMatchObject({ state: 'normal', values: channels });
    await feed(again, 1200, 1400);
    await feed(again, 1400, 1500, 60);
    await eventually(() => transitions.some(({ rule, to }) => rule === 'anomaly' && to === 'unacknowledged'), 'the fault is raised');
    expect(transitions.at(-1)?.findings[0]).toMatchObject({ tag: 'line1/pump/motor_current' });
    expect(again.state()).toMatchObject({ state: 'active', text: expect.stringContaining('motor_current') });
    await again.command('acknowledge', { by: 'anna' });
    expect(transitions.at(-1)).toMatchObject({ to: 'acknowledged', by: 'anna' });
    await expect(again.command('dance')).rejects.toMatchObject({ code: 'FETTLE_COMMAND_INVALID' });
  },
  2 * learnsWithin,
);

it(
  'gives the scores of a gateway with the same model and the same samples, bit for bit, however they come',
  async () => {
    // A model that follows its machine, as the node learns it.
    const directory = temporaryDirectory();
    const learner = await open({ directory, values: channels });
    await feed(learner, 0, 700);
    await eventually(() => learner.state().state === 'normal', 'a model judges', learnsWithin);
    await learner.close();
    const manifests = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('manifest.json'));
    const model = join(directory, dirname(manifests[0] as string));

    const asset = 'line1/pump';
    const detector = { model };
    const flowScores: Score[] = [];
    const watch = await open({ values: channels, more: { detector } }, { score: (score) => void flowScores.push(score) });
    const gatewayScores: Score[] = [];
    const tags = channels.map((value) => `${asset}/${value.replaceAll(' ', '_')}`);
    const gateway = await startGateway(
      {
        site: 'north',
        data: temporaryDirectory(),
        sources: [{ id: 'flow', type: 'http', tags: tags.map((tag) => ({ tag })) }],
        assets: [{ id: asset, tags, window: { step: '100ms' }, detector }],
      },
      { listener: { score: (score) => gatewayScores.push(score) } },
    );
    // A message a moment in one, many together in the other, with a fault in both.
    const last = 1100;
    for (let i = 700; i < last; i++) {
      const { samples } = samplesOfMessage(Object.fromEntries(row(i, i > 1000 ? 60 : 0).map(({ tag, value }) => [tag, value])));
      await watch.push(samples.map((sample) => ({ ...sample, time: startMs + i * stepMs })));
    }
    for (let i = 700; i < last; i += 33) {
      const rowsOfMessage = Array.from({ length: Math.min(33, last - i) }, (_, k) => row(i + k, i + k > 1000 ? 60 : 0)).flat();
      const sent = rowsOfMessage.map((sample) => ({ ...sample, tag: `${asset}/${sample.tag.replaceAll(' ', '_')}` }));
      await gateway.push('flow', sent, false);
    }
    await eventually(() => gatewayScores.length > 300 && flowScores.length === gatewayScores.length, 'as many scores');
    const bare = ({ windowEndMs, value, limit, contributions, observed, expected }: Score): unknown => ({
      windowEndMs,
      value,
      limit,
      parts: [contributions, observed, expected].map((part) => [...part]),
    });
    expect(flowScores.map(bare)).toEqual(gatewayScores.map(bare));
    expect(Math.max(...flowScores.map(({ value, limit }) => value / limit))).toBeGreaterThan(1);
  },
  2 * learnsWithin,
);

it('says what is wrong with a name, a duration, or two values of one name', async () => {
  await expect(open({ asset: 'line1/+' })).rejects.toThrow(/must be a name like line1\/pump3\/flow/);
  await expect(open({ learn: 'soon' })).rejects.toThrow(/soon/);
  await expect(open({ values: ['a b', 'a#b'] })).rejects.toThrow(/two values of line1\/pump have the same name.*a#b/);
});

it('takes no more than it can hold before it knows what to watch', async () => {
  const watch = await open({ gatherMs: 60_000 });
  const many = Array.from({ length: 9_000 }, (_, i) => ({ tag: `t${i}`, value: 1 }));
  await watch.push(many);
  await expect(watch.push(many)).rejects.toThrow('more than 10000 values before it is known what to watch');
});
