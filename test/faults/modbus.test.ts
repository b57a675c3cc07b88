import { describe, expect, it } from 'vitest';
import { play, type Scenario, scenarios } from './modbus-campaign.ts';

/** The long one: npm run test:faults -- modbus. */
describe('a fault of a Modbus device', () => {
  const short: readonly Scenario[] = scenarios().filter(({ fault }) => !/exception (1|2|3|4|5|7|8|9|10)$/.test(fault));
  it.concurrent.each(short)(
    '$fault over $carrier: values are right or marked bad, and it ends by itself',
    async (scenario) => {
      const verdict = await play(scenario, 60, 1);
      // Without socat there is no pty.
      if (verdict === undefined) return;
      expect(verdict.wrong).toEqual([]);
      expect(verdict.right).toBeGreaterThan(100);
      expect(verdict.recoveryMs).toBeLessThan(30_000);
    },
    60_000,
  );
});
