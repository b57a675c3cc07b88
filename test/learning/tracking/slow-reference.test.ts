import { describe, expect, it } from 'vitest';
import { detectorSchema } from '../../../src/core/detector.ts';
import { SlowChange } from '../../../src/detector/slow-change.ts';
import { prepareHistory, teachingShare } from '../../../src/learning/tracking/history.ts';
import { learnTracking } from '../../../src/learning/tracking/learn.ts';
import { slowReference } from '../../../src/learning/tracking/slow-reference.ts';
import { trackRows } from '../../../src/learning/tracking/tracked-rows.ts';
import { syntheticRows } from '../../support/synthetic-machine.ts';

const channels = 5;
const learningRows = 1_900;
const stepMs = 1_000;
const rows = 4_000;
const machine = syntheticRows({ rows, channels, seed: 5 });
const history = {
  channels: Array.from({ length: channels }, (_, c) => `c${c}`),
  stepMs,
  runs: [{ rows: learningRows, values: machine.slice(0, learningRows * channels) }],
};

type Vector = readonly number[];
const over = <T>(length: number, of: (i: number) => T): T[] => Array.from({ length }, (_, i) => of(i));
const mean = (values: Vector): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const dot = (a: Vector, b: Vector): number => a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
const columnOf = (table: readonly Vector[], c: number): number[] => table.map((row) => row[c] as number);

function inverse(source: readonly Vector[]): number[][] {
  const n = source.length;
  const table = source.map((row, i) => [...row, ...over(n, (j) => Number(i === j))]);
  for (let k = 0; k < n; k++) {
    const pivot = table[k]?.[k] as number;
    table[k] = (table[k] as number[]).map((value) => value / pivot);
    for (let i = 0; i < n; i++) {
      const times = table[i]?.[k] as number;
      if (i !== k) table[i] = (table[i] as number[]).map((value, j) => value - times * (table[k]?.[j] as number));
    }
  }
  return table.map((row) => row.slice(n));
}

/** The pseudo-code of detector study 2, section 1, word for word; rows of `z` standardized. The ratio of each row behind the first `N`. */
function transcribed(z: readonly Vector[], N: number): number[] {
  const weight = (h: number): number => 1 - 0.5 ** (1 / h);
  const ratios = new Array<number>(z.length - N).fill(0);
  for (const h of [Math.max(8, N / 90), Math.max(8, N / 22)]) {
    let m = over(channels, (c) => mean(columnOf(z.slice(0, Math.floor(h)), c)));
    const all = z.map((row) => {
      m = m.map((value, c) => value + weight(h) * ((row[c] as number) - value));
      return m;
    });
    const M = all.slice(Math.floor(Math.min(2 * h, N / 4)), N);
    const n = M.length;
    const ref = over(channels, (c) => mean(columnOf(M, c)));
    const off = M.map((row) => row.map((value, c) => value - (ref[c] as number)));
    const C = over(channels, (a) =>
      over(channels, (b) => off.reduce((sum, row) => sum + (row[a] as number) * (row[b] as number), 0) / (n - 1)),
    );
    const P = inverse(C.map((row, a) => row.map((value, b) => (a === b ? 1.1 * value + 0.01 : value))));
    const G = P.map((row, c) => row.map((value) => value / (P[c]?.[c] as number)));
    const E = off.map((row) => G.map((g) => dot(g, row)));
    const lag = Math.floor(N / 6);
    const of = over(channels, (c) => {
      const e = columnOf(E, c);
      const moved = e.slice(lag).map((value, i) => (value - (e[i] as number)) ** 2);
      const middle = (n - 1) / 2;
      const along = e.reduce((sum, value, i) => sum + (i - middle) * value, 0) / e.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
      return { v: mean(e.map((value) => value ** 2)) + 0.01 * dot(G[c] as Vector, G[c] as Vector), q: mean(moved) / lag, p: along ** 2 };
    });
    const u = E.map((row) => Math.max(...row.map((e, c) => Math.abs(e) / Math.sqrt(of[c]?.v as number))));
    const nb = Math.max(2, Math.floor(n / (5 * h)));
    const maxima = over(nb, (block) => Math.max(...u.slice(Math.floor((block * n) / nb), Math.floor(((block + 1) * n) / nb)))).sort(
      (a, b) => a - b,
    );
    const at = 0.98 * (nb - 1);
    const low = maxima[Math.floor(at)] as number;
    const k = (low + (at % 1) * ((maxima[Math.ceil(at)] as number) - low)) * (1 + 0.5 / Math.sqrt(nb)) * 1.5;
    all.slice(N).forEach((row, i) => {
      const t = Math.min(i + 1, 2 * N);
      const e = G.map((g) =>
        dot(
          g,
          row.map((value, c) => value - (ref[c] as number)),
        ),
      );
      for (const [c, value] of e.entries()) {
        const { v, q, p } = of[c] as (typeof of)[number];
        ratios[i] = Math.max(ratios[i] as number, Math.abs(value) / Math.sqrt(v + q * t + p * t * t) / k);
      }
    });
  }
  return ratios;
}

describe('the slow-change companion', () => {
  it('says of every row what the formula says, word for word', async () => {
    const learnt = await learnTracking(history, ['fp32']);
    const { detector } = learnt.models.get('fp32') as NonNullable<ReturnType<(typeof learnt.models)['get']>>;
    const slow = new SlowChange(detectorSchema.parse(detector));
    // A ramp on one channel, so that the ratio passes its limit on the way.
    const ramped = (i: number, c: number): number => (machine[i * channels + c] as number) + (c === 2 ? Math.max(0, i - 2_500) * 0.02 : 0);
    const z = over(rows, (i) =>
      over(channels, (c) => {
        const { mean: centre, deviation } = detector.channels[c] as (typeof detector.channels)[number];
        return (ramped(i, c) - centre) / deviation;
      }),
    );
    const expected = transcribed(z, learningRows);
    const found = over(rows - learningRows, (i) => slow.row(over(channels, (c) => ramped(learningRows + i, c)))?.ratio as number);
    expect(Math.max(...found.slice(0, 500))).toBeLessThan(1);
    expect(found.at(-1)).toBeGreaterThan(2);
    found.forEach((ratio, i) => {
      expect(ratio / (expected[i] as number)).toBeCloseTo(1, 6);
    });
  });

  it('is not there below 1,800 rows: fewer cannot tell drift from a slow fault', () => {
    const few = { ...history, runs: [{ rows: 1_799, values: machine.slice(0, 1_799 * channels) }] };
    expect(slowReference(trackRows(prepareHistory(few), teachingShare, 60))).toBeNull();
  });
});
