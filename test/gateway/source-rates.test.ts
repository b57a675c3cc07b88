import { expect, it } from 'vitest';
import { SourceRates } from '../../src/gateway/source-rates.ts';

const status = (messages: number, unacknowledged = 0) => ({ state: 'good' as const, units: [], counters: { messages, unacknowledged } });

it('rates are from look to look: none at the first, over the last ten, and none of what was a minute ago', () => {
  const rates = new SourceRates();
  expect(rates.look('broker', status(100), 0)).toBeUndefined();
  expect(rates.look('broker', status(110), 500)).toBeUndefined();
  expect(rates.look('broker', status(120, 7), 2000)).toEqual({ messages: 10 });
  // Another source has looks of its own.
  expect(rates.look('other', status(5), 2000)).toBeUndefined();
  for (let second = 3; second <= 20; second++) rates.look('broker', status(120 + (second - 2) * 50), second * 1000);
  expect(rates.look('broker', status(120 + 19 * 50), 21_000)).toEqual({ messages: 50 });
  // After a restart of the source it counts from nothing.
  expect(rates.look('broker', status(0), 22_000)?.messages).toBe(0);
  expect(rates.look('broker', status(10), 200_000)).toBeUndefined();
});
