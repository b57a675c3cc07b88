import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fettle } from '../support/fettle.ts';
import { syntheticRows } from '../support/synthetic-machine.ts';
import { sharedDirectory } from '../support/temporary-directory.ts';

const channels = ['load', 'heat', 'flow', 'sound'];
const rows = 1_400;
const folder = sharedDirectory();

/** One recording a seed: a channel leaves what the others say of it from row 900 to 1100. */
function record(name: string, seed: number, separator: string): string {
  const values = syntheticRows({ rows, channels: channels.length, seed });
  const lines = Array.from({ length: rows }, (_, i) => {
    const row = [...values.subarray(i * channels.length, (i + 1) * channels.length)];
    const faulty = i >= 900 && i < 1100;
    if (faulty) row[2] = (row[2] as number) + 25;
    return [new Date(1_790_000_000_000 + i * 1000).toISOString(), ...row, Number(faulty), 'x'].join(separator);
  });
  const file = join(folder, name);
  writeFileSync(file, `${['time', ...channels, 'broken', 'note'].join(separator)}\n${lines.join('\n')}\n`);
  return file;
}

const evaluate = (...more: string[]) => fettle('evaluate', ...more);
const common = ['--time', 'time', '--label', 'broken', '--ignore', 'note', '--train-rows', '700'];

describe('fettle evaluate', () => {
  it('learns per file, judges the rest in every precision, and says how good that was', async () => {
    const files = [record('one.csv', 11, ','), record('two.csv', 12, ';')];
    const json = join(folder, 'report.json');
    const plots = join(folder, 'pages');
    const { code, stdout, stderr } = await evaluate(
      '--csv',
      ...files,
      ...common,
      '--precision',
      'fp32,int8,int4,int2',
      '--json',
      json,
      '--plot',
      plots,
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('2 recordings');
    const report = JSON.parse(readFileSync(json, 'utf8')) as { pooled: Record<string, Record<string, number>>; files: { file: string }[] };
    expect(Object.keys(report.pooled)).toEqual(['fp32', 'int8', 'int4', 'int2']);
    expect(Object.keys(report.pooled.int8 ?? {}).slice(0, 13)).toEqual(
      'f1 far mar auc ap vusPr eventRecall delayMedianS delayP90S missed episodesPerDay normalHours rows'.split(' '),
    );
    expect(report.pooled.int8).toMatchObject({ rows: 1400, missed: 0, eventRecall: 1 });
    for (const precision of ['fp32', 'int8', 'int4']) {
      expect(report.pooled[precision]?.f1, precision).toBeGreaterThan(0.9);
      expect(report.pooled[precision]?.far, precision).toBeLessThan(0.05);
    }
    expect(Math.abs((report.pooled.int8?.auc ?? 0) - (report.pooled.fp32?.auc ?? 1))).toBeLessThan(0.005);
    expect(report.files.map(({ file }) => file)).toEqual(['one.csv', 'two.csv']);
    expect(readFileSync(join(plots, 'two.html'), 'utf8')).toContain('<svg');
  }, 60_000);

  it('learns once from recordings of their own', async () => {
    const healthy = record('healthy.csv', 13, ',');
    const other = record('other.csv', 14, ',');
    const { code, stdout } = await evaluate(
      '--csv',
      other,
      '--train-csv',
      healthy,
      '--time',
      'time',
      '--label',
      'broken',
      '--ignore',
      'note',
    );
    expect(code).toBe(0);
    expect(stdout).toContain('1,400 rows');
  }, 30_000);

  it('says what is wrong with a recording', async () => {
    const file = record('text.csv', 15, ',');
    const words = await evaluate('--csv', file, '--time', 'time', '--label', 'broken');
    expect(words.code).toBe(1);
    expect(words.stderr).toMatch(/text\.csv:2: .*note/);
    expect(words.stderr).toContain('--ignore note');
    const short = await evaluate('--csv', file, ...common, '--train-rows', '5000');
    expect(short.stderr).toContain('1400 rows are not more than the 5000 to learn from');
    const unknown = await evaluate('--csv', file, ...common, '--precision', 'int3');
    expect(unknown.stderr).toContain('there are fp32, int8, int4, int2');
  }, 30_000);
});
