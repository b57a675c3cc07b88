import { expect, it, onTestFinished } from 'vitest';
import type { AlarmTransition } from '../../src/core/alarm.ts';
import type { FlowSample } from '../../src/flow/message-samples.ts';
import { Watch, type WatchListener, type WatchOptions } from '../../src/flow/watch.ts';
import { eventually } from '../support/eventually.ts';
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
