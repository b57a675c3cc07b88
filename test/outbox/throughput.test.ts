import { expect, it } from 'vitest';
import { Throughput } from '../../src/outbox/throughput.ts';

it('tells points a second over the last ten seconds', () => {
  const throughput = new Throughput();
  expect(throughput.perSecond(0)).toBe(0);
  for (let second = 0; second < 30; second++) throughput.add(100, second * 1000 + 500);
  expect(throughput.perSecond(30_000)).toBeCloseTo(100, 0);
  // Four bins are left in nine seconds.
  expect(throughput.perSecond(35_000)).toBeCloseTo(400 / 9, 5);
  expect(throughput.perSecond(60_000)).toBe(0);
  throughput.add(500, 100_000);
  expect(throughput.perSecond(100_000)).toBeGreaterThan(0);
});
