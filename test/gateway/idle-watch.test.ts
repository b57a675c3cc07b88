import { describe, expect, it } from 'vitest';
import { IdleWatch } from '../../src/gateway/idle-watch.ts';
import { GatewayInlet } from '../../src/gateway/inlet.ts';

const secondMs = 1000;

/** One source, and a clock whose wall time can be set apart from the time that passes. */
function bench() {
  let passedMs = 0;
  let wallMs = 1_790_000_000_000;
  const clock = { wallMs: () => wallMs, monotonicMs: () => passedMs };
  const inlet = new GatewayInlet(3, {
    pending: () => {},
    isFull: () => false,
    now: () => ({ wallMs, monotonicMs: passedMs }),
  });
  inlet.setConnected(true);
  const watch = new IdleWatch([inlet], clock);
  const pass = (ms: number): void => {
    passedMs += ms;
    wallMs += ms;
  };
  return {
    inlet,
    watch,
    pass,
    step: (ms: number) => {
      wallMs += ms;
    },
    now: () => wallMs,
    sample: (behindMs = 0) => {
      inlet.append(0, wallMs - behindMs, 1, 0);
      inlet.take();
    },
  };
}

describe('the clock, told to the fold', () => {
  it('goes on from the newest sample of a silent source, whatever the wall clock is set to', () => {
    const { watch, pass, step, sample, now } = bench();
    sample(200);
    const lastMs = now() - 200;
    pass(6 * secondMs);
    expect(watch.check().map(({ kind }) => kind)).toEqual(['idle', 'clock']);
    for (const steppedMs of [2_700_000, -5_400_000]) {
      step(steppedMs);
      pass(2 * secondMs);
      const [row] = watch.check();
      const [[, lagMs] = [3, Number.NaN]] = row?.kind === 'clock' ? row.lags : [];
      expect((row?.atMs as number) - lagMs).toBe(lastMs + 6 * secondMs + (steppedMs > 0 ? 2 : 4) * secondMs);
    }
  });

  it('is told now and then while every source speaks, for a device of one may be silent', () => {
    const { watch, pass, sample } = bench();
    let rows = 0;
    for (let second = 0; second < 60; second++) {
      sample();
      rows += watch.check().length;
      pass(secondMs);
    }
    expect(rows).toBe(6);
  });
});
