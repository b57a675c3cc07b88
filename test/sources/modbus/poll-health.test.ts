import { expect, it, onTestFinished } from 'vitest';
import { PollHealth } from '../../../src/sources/modbus/poll-health.ts';
import { eventually } from '../../support/eventually.ts';
import { answerWell, startRawDevice } from '../../support/modbus/raw-device.ts';
import { runSource } from '../../support/modbus/source-run.ts';

it('is of the last hundred polls: what was long ago is forgotten, what began is counted exactly', () => {
  const health = new PollHealth(1000);
  expect(health.status().answeredShare).toBe(1);
  health.took(false);
  expect(health.status()).toMatchObject({ answered: 0, failed: 1, answeredShare: 0 });
  for (let i = 0; i < 3; i++) health.took(true);
  expect(health.status().answeredShare).toBeCloseTo(0.75, 10);
  for (let i = 0; i < 1000; i++) health.took(true);
  expect(health.status().answeredShare).toBeGreaterThan(0.999);
  for (let i = 0; i < 1000; i++) health.took(false);
  expect(health.status().answeredShare).toBeLessThan(0.001);
});

it('each unit has its own: one that is silent, or slow, says nothing of the other', async () => {
  const device = await startRawDevice((request) => {
    if (request.unit === 1) answerWell(request);
    // Slower than it is asked.
    if (request.unit === 3) setTimeout(() => answerWell(request), 130);
  });
  onTestFinished(() => device.close());
  const tag = (unit: number, poll: string) => ({ tag: `flow${unit}`, reference: '40001', type: 'int16', unit, poll });
  const run = await runSource({ url: device.url, timeout: '400ms', inFlight: 4, tags: [tag(1, '200ms'), tag(2, '1s'), tag(3, '50ms')] });
  onTestFinished(() => run.stop());
  const of = (unit: number) => run.source.status().units.find(({ name }) => name === `unit ${unit}`)?.polls;
  await eventually(() => (of(1)?.answered ?? 0) > 5 && (of(2)?.failed ?? 0) > 1 && (of(3)?.leftOut ?? 0) > 5, 'polls of each');
  expect(of(1)).toMatchObject({ periodMs: 200, failed: 0, answeredShare: 1 });
  expect(of(2)).toMatchObject({ periodMs: 1000, answered: 0, answeredShare: 0 });
  expect(of(3)?.answeredShare).toBe(1);
  expect(of(3)?.leftOut).toBeGreaterThan((of(1)?.leftOut ?? 0) * 2);
}, 30_000);
