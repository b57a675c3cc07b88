import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { fettle } from '../support/fettle.ts';
import { syntheticRows } from '../support/synthetic-machine.ts';
import { sharedDirectory } from '../support/temporary-directory.ts';

const channels = 3;
const folder = sharedDirectory();

beforeAll(() => {
  const rows = syntheticRows({ rows: 900, channels, seed: 2 });
  const lines = Array.from({ length: 900 }, (_, i) =>
    [1_767_225_600 + i, ...rows.subarray(i * channels, (i + 1) * channels), 'auto'].join(';'),
  );
  writeFileSync(join(folder, 'healthy.csv'), `time;load;heat;flow;mode\n${lines.join('\n')}\n`);
});

const train = (...more: string[]) =>
  fettle('train', '--csv', join(folder, 'healthy.csv'), '--time', 'time', '--length', '10', '--slide', '2', ...more);

describe('fettle train', () => {
  it('says what it made, and where', async () => {
    const out = join(folder, 'machine/1.0.0');
    const { code, stdout, stderr } = await train('--ignore', 'mode', '--out', out);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^machine@1\.0\.0 /);
    expect(stdout).toMatch(/learnt from +900 rows, 711 windows, 3 channels/);
    expect(stdout).toMatch(/model +linear, rank \d+, int8, [\d.]+ kB \(fp32: [\d.]+ kB\)/);
    expect(stdout).toContain(`→ ${out}\n`);
    expect(readFileSync(join(out, 'CARD.md'), 'utf8')).toContain('# machine 1.0.0');
  });

  it('gives one JSON document on request', async () => {
    const { code, stdout } = await train('--ignore', 'mode', '--out', join(folder, 'machine/1.0.1'), '--json', '--precision', 'fp32');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      manifest: { id: 'machine', version: '1.0.1', precision: 'fp32' },
      agreement: { largest: 0, sameVerdict: 1 },
    });
  });

  it('names file, line and column of what it cannot read, and what to do', async () => {
    const { code, stdout, stderr } = await train('--out', join(folder, 'machine/1.0.2'));
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('healthy.csv:2: not a number: "auto" in column mode\n→ ');
    expect(stderr).toContain('--ignore mode');
    expect(stderr).toContain('(FETTLE_CSV_INVALID)');
  });

  it('refuses a step that is none', async () => {
    const { code, stderr } = await train('--step', 'often', '--out', join(folder, 'machine/1.0.3'));
    expect(code).not.toBe(0);
    expect(stderr).toContain('write for example 100ms, 1s, 3m');
  });
});
