import { describe, expect, it } from 'vitest';
import { play, scenarios } from './modbus-campaign.ts';
import { fuzzModbus } from './modbus-fuzz.ts';

/** Of the eleven exceptions, one of each kind; 2 comes back too late for a short test. The long one: npm run test:faults -- modbus. */
const leftOut = /^exception (2|3|4|5|7|8|9|10)$/;

describe('whatever a Modbus device does wrong', () => {
  it.each(['tcp', 'rtu+tcp', 'pty'] as const)(
    'over %s: values are right or marked bad, and it ends by itself',
    async (carrier) => {
      const short = scenarios().filter((scenario) => scenario.carrier === carrier && !leftOut.test(scenario.fault));
      const verdicts = await Promise.all(short.map((scenario, i) => play(scenario, 60, i)));
      expect(verdicts).toHaveLength(short.length);
      for (const verdict of verdicts) {
        // Without socat there is no pty.
        if (verdict === undefined) continue;
        expect(verdict.wrong, verdict.fault).toEqual([]);
        expect(verdict.right, verdict.fault).toBeGreaterThan(100);
        expect(verdict.recoveryMs, verdict.fault).toBeLessThan(30_000);
      }
    },
    60_000,
  );
});

describe('a malformed reply', () => {
  it('is never a value, nor the end of anything', async () => {
    const { wrong, malformed, right } = await fuzzModbus(10_000, 1);
    expect(wrong).toEqual([]);
    expect(malformed).toBeGreaterThanOrEqual(10_000);
    // It can tell the good from the bad.
    expect(right).toBeGreaterThan(500);
  }, 30_000);
});
