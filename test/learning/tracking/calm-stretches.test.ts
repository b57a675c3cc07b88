import { expect, it } from 'vitest';
import { mostRoom, roomForCalm } from '../../../src/learning/tracking/calm-stretches.ts';
import { learnTracking } from '../../../src/learning/tracking/learn.ts';
import { replay } from '../../../src/learning/tracking/replay.ts';
import { syntheticRows } from '../../support/synthetic-machine.ts';

const channels = 4;
const rows = 3000;

it('raises the limit as far as a stretch needs that people called false, and no further', async () => {
  const values = syntheticRows({ rows, channels, seed: 3 });
  const history = { channels: ['a', 'b', 'c', 'd'], stepMs: 1000, runs: [{ rows, values }] };
  const learnt = await learnTracking(history, ['fp32']);
  const model = learnt.models.get('fp32');
  if (model === undefined) throw new Error('nothing was learnt');
  const subject = { ...model, stepMs: 1000, length: learnt.length };
  const [from, to] = [2000, 2040];
  const spoilt = (by: number): Float64Array =>
    values.map((value, at) => (at % channels === 1 && at >= from * channels && at < to * channels ? value + by : value));
  const room = (by: number): Promise<number> =>
    roomForCalm(subject, [{ rows, values: spoilt(by) }], learnt.history.columns, [{ run: 0, from, to }]);
  const alarms = async (by: number, limit: number): Promise<number> => {
    const [verdicts] = await replay({ ...subject, limit }, [spoilt(by).slice((from - 600) * channels, to * channels)]);
    return verdicts?.filter(({ alarm }) => alarm).length ?? 0;
  };

  expect(await room(0)).toBe(1);
  expect(await roomForCalm(subject, [{ rows, values }], learnt.history.columns, [])).toBe(1);
  const { deviation } = model.detector.channels[1] as { deviation: number };
  // A change that just alarms.
  let by = deviation;
  while ((await alarms(by, model.limit)) === 0) by += deviation / 2;
  const needed = await room(by);
  expect(needed).toBeGreaterThan(1);
  expect(needed).toBeLessThan(mostRoom);
  expect(await alarms(by, model.limit * needed)).toBe(0);
  expect(await room(50 * deviation)).toBe(mostRoom);
});
