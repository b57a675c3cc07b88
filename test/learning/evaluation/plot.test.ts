import { describe, expect, it } from 'vitest';
import { plotHtml } from '../../../src/learning/evaluation/plot.ts';
import { logTicks, rowTicks, timeTicks } from '../../../src/learning/evaluation/plot-axis.ts';
import { curvePath, timeScale } from '../../../src/learning/evaluation/plot-path.ts';
import type { Precision } from '../../../src/learning/evaluation/report.ts';
import type { VerdictSeries } from '../../../src/learning/evaluation/verdict-series.ts';
import { drawn } from './series.ts';

const day = Date.UTC(2026, 2, 9, 23, 50);
const minutes = (count: number): Float64Array => Float64Array.from({ length: count }, (_, i) => day + i * 60_000);
const plain = (value: number): number => value;

describe('a curve', () => {
  it('keeps every spike of a long recording', () => {
    const rows = 200_000;
    const values = Float64Array.from({ length: rows }, (_, i) => i % 2)
      .fill(99, 123_456, 123_457)
      .fill(-99, 123_460, 123_461);
    const timeMs = Float64Array.from(values.keys());
    const path = curvePath(timeMs, values, timeScale(0, rows), plain, 5);
    expect(path).toContain(' 99');
    expect(path).toContain(' -99');
    expect(path.indexOf(' 99')).toBeLessThan(path.indexOf(' -99'));
    expect(path.match(/M/g)).toHaveLength(1);
    expect(path.match(/L/g)?.length).toBeLessThan(5000);
  });

  it('is broken where nothing was measured', () => {
    const timeMs = Float64Array.of(0, 1, 2, 3, 4, 20, 21, 40);
    const values = Float64Array.of(1, 2, Number.NaN, 3, 4, 5, 6, 7);
    expect(curvePath(timeMs, values, plain, plain, 5)).toBe('M0 1L1 2M3 3L4 4M20 5L21 6M40 7h0');
  });
});

describe('an axis', () => {
  it('has round times, with the day where it changes', () => {
    expect(timeTicks(day, day + 1_800_000)).toEqual([
      { at: day, text: '23:50', day: '2026-03-09' },
      { at: day + 300_000, text: '23:55' },
      { at: day + 600_000, text: '00:00', day: '2026-03-10' },
      ...[5, 10, 15, 20].map((minute) => ({ at: day + 600_000 + minute * 60_000, text: `00:${String(minute).padStart(2, '0')}` })),
    ]);
    expect(timeTicks(day, day + 30 * 86_400_000).map(({ text }) => text)).toEqual(['2026-03-12', '2026-03-19', '2026-03-26', '2026-04-02']);
    expect(timeTicks(day, day + 8000)[0]?.text).toBe('23:50:00');
  });

  it('has round row numbers where there are no times', () => {
    expect(rowTicks(0, 1_000_000, 1000).map(({ text }) => text)).toEqual([
      'row 0',
      'row 200',
      'row 400',
      'row 600',
      'row 800',
      'row 1,000',
    ]);
  });

  it('has few round scores', () => {
    expect(logTicks(0.3, 4)).toEqual([0.5, 1, 2]);
    expect(logTicks(0.01, 5)).toEqual([0.01, 0.03, 0.1, 0.3, 1, 3]);
    expect(logTicks(1e-3, 1e7)).toEqual([0.01, 1, 100, 10_000, 1_000_000]);
  });
});

describe('the page of a recording', () => {
  const rows = 40;
  const verdicts = drawn({
    label: `${'.'.repeat(10)}${'#'.repeat(10)}..........`,
    alarm: `..!!........!!!${'.'.repeat(9)}!`,
    stepMs: 60_000,
  });
  const series: VerdictSeries = { ...verdicts, timeMs: minutes(rows).slice(10), score: verdicts.score.map((score) => 0.4 + 2 * score) };
  const recording = {
    file: 'plant/<press> & "co".csv',
    columns: ['</script><b>', 'pressure'],
    timeMs: minutes(rows),
    timed: true,
    values: [new Float64Array(rows).fill(7), Float64Array.from({ length: rows }, (_, i) => i)],
    label: Uint8Array.from({ length: rows }, (_, i) => (i >= 20 && i < 30 ? 1 : 0)),
  };
  const page = plotHtml(recording, new Map<Precision, VerdictSeries>([['int8', series]]));

  it('needs no other address', () => {
    expect(page).not.toMatch(/https?:|src=|href=|@import|url\(/);
  });

  it('lets no name of a file or column out of its place', () => {
    expect(page).toContain('<h1>plant/&lt;press&gt; &amp; &quot;co&quot;.csv</h1>');
    expect(page).not.toContain('</script><b>');
    expect(page.match(/<script/g)).toHaveLength(2);
  });

  it('shades truth and learning in every panel, and tells false alarms from others', () => {
    const panels = page.match(/<svg/g)?.length as number;
    expect(panels).toBe(1 + 2 + 2);
    expect(page.match(/<rect x="500" width="250" height="\d+" class="truth"/g)).toHaveLength(panels);
    expect(page.match(/<rect x="0" width="250" height="\d+" class="learnt"/g)).toHaveLength(panels);
    expect(page.match(/<rect [^>]*class="false"/g)).toHaveLength(2);
    expect(page.match(/<rect x="550" width="75" [^>]*style="fill:var\(--int8\)"/g)).toHaveLength(1);
  });

  it('has the metrics, the limit and the values for the pointer', () => {
    expect(page).toContain('<td>1 of 1</td><td>2 min</td><td>2 in 20 min</td>');
    expect(page.match(/class="limit"/g)).toHaveLength(1);
    const data = JSON.parse(/id="plot-data">(.*)<\/script>\n<script>/.exec(page)?.[1] as string);
    expect(data).toMatchObject({ from: day, to: day + rows * 60_000, row: 0 });
    expect(data.panels).toHaveLength(3);
    expect(data.panels[2][0].filter((value: number | null) => value !== null)).toEqual(Array.from({ length: rows }, (_, i) => i));
  });

  it('can be made of a recording without labels, times or verdicts', () => {
    const bare = { ...recording, timed: false, label: undefined, timeMs: Float64Array.from({ length: rows }, (_, i) => i * 1000) };
    const empty = plotHtml(bare, new Map());
    expect(empty).toContain('row 10');
    expect(empty).not.toMatch(/NaN|Infinity|undefined/);
    expect(page).not.toMatch(/NaN|Infinity|undefined/);
  });
});
