import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { fettle } from '../support/fettle.ts';
import { syntheticRows } from '../support/synthetic-machine.ts';
import { sharedDirectory } from '../support/temporary-directory.ts';

const [rows, channels] = [900, 4];
const folder = sharedDirectory();
const csv = join(folder, 'healthy.csv');
const whole = join(folder, 'machine', '1.0.0');

beforeAll(async () => {
  const values = syntheticRows({ rows, channels, seed: 2 });
  const lines = Array.from({ length: rows }, (_, i) => values.subarray(i * channels, (i + 1) * channels).join(','));
  writeFileSync(csv, `load,heat,flow,noise\n${lines.join('\n')}\n`);
  const { code, stderr } = await fettle('train', '--csv', csv, '--precision', 'auto', '--loss', '0.02', '--out', whole);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});

describe('fettle train --precision auto', () => {
  it('ships the smallest within the loss, and the CARD holds what was measured of each', () => {
    const card = readFileSync(join(whole, 'CARD.md'), 'utf8');
    const measured = [...card.matchAll(/^\| (fp32|int8|int4|int2) \| .*?([\d.]+) kB .* (-?[\d.]+) \|$/gm)].map(
      ([, precision, size, loss]) => ({
        precision,
        size: Number(size),
        loss: Number(loss),
      }),
    );
    expect(measured.map(({ precision }) => precision)).toEqual(['fp32', 'int8', 'int4', 'int2']);
    const within = measured.filter(({ loss }) => loss <= 0.02).sort((a, b) => a.size - b.size);
    const { precision } = JSON.parse(readFileSync(join(whole, 'manifest.json'), 'utf8')) as { precision: string };
    expect(precision).toBe(within[0]?.precision);
  });
});

describe('fettle compress', () => {
  it('writes the next version, the table, the figures and the plot', async () => {
    const [json, plot] = [join(folder, 'frontier.json'), join(folder, 'frontier.html')];
    const { code, stdout, stderr } = await fettle('compress', whole, '--csv', csv, '--target', '7kB', '--json', json, '--plot', plot);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^→ {2}.* (fp32|int8|int4|int2) /m);
    expect(stdout).toContain('machine@1.0.1');
    expect(stdout).not.toContain('not the history');
    const { candidates } = JSON.parse(readFileSync(json, 'utf8')) as { candidates: { bytes: number; chosen: boolean }[] };
    const [chosen, ...others] = candidates.filter((one) => one.chosen);
    expect(others).toEqual([]);
    expect(chosen?.bytes).toBeLessThanOrEqual(7000);
    expect(readFileSync(join(folder, 'machine/1.0.1/model.onnx')).length).toBe(chosen?.bytes);
    expect(readFileSync(plot, 'utf8')).toContain('<svg');
  });

  it('says what it needs', async () => {
    const without = await fettle('compress', whole, '--target', '7kB');
    expect(without).toMatchObject({ code: 1, stdout: '' });
    expect(without.stderr).toContain('the history the model was learnt from');
  });
});
