import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { quality } from '../../src/core/quality.ts';
import { SampleBlockBuilder } from '../../src/core/sample-block.ts';
import { Gateway } from '../../src/gateway/gateway.ts';
import { Journal } from '../../src/journal/journal.ts';
import { SegmentWriter } from '../../src/journal/segment.ts';
import { removeRuntimeFile, writeRuntimeFile } from '../../src/server/runtime-file.ts';
import { fettle } from '../support/fettle.ts';
import { startServer } from '../support/server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const firstMs = Date.UTC(2026, 2, 1);

/** A journal of three segments: a number every second, a bad one now and then, and a tag with texts. */
async function recorded(): Promise<{ config: string; data: string }> {
  const folder = temporaryDirectory();
  const data = join(folder, 'data');
  const config = join(folder, 'fettle.yaml');
  writeFileSync(
    config,
    `site: north
data: ${data}
sources:
  - id: plc
    type: modbus
    url: tcp://127.0.0.1:1
    tags:
      - { tag: press/flow, table: holdingRegister, address: 0, type: float32 }
      - { tag: "press/recipe, name", table: holdingRegister, address: 10, type: string, length: 4 }
`,
  );
  const journal = await Journal.open({ directory: data, maxBytes: 1e12, maxAgeMs: 1e15 });
  const writer = new SegmentWriter();
  for (let segment = 0; segment < 3; segment++) {
    const block = new SampleBlockBuilder();
    for (let i = segment * 10; i < (segment + 1) * 10; i++) {
      block.append(0, firstMs + i * 1000 + 0.25, i * 1.5, i === 7 ? quality.badDeviceFailure : quality.good);
      if (i % 10 === 0) block.append(1, firstMs + i * 1000, segment % 2, quality.good);
    }
    writer.appendBlock(0, block);
    const { samples, firstMs: first, lastMs } = writer;
    await journal.commit({
      wallMs: firstMs,
      segment: { data: writer.take(), samples, firstMs: first, lastMs },
      names:
        segment > 0
          ? []
          : [
              { kind: 'tag', index: 0, name: 'press/flow' },
              { kind: 'tag', index: 1, name: 'press/recipe, name' },
              { kind: 'text', index: 0, name: 'oak "A"' },
              { kind: 'text', index: 1, name: 'ash' },
            ],
      scores: null,
      invalid: [],
      transitions: [],
      outbox: [],
      snapshot: null,
    });
  }
  await journal.close();
  return { config, data };
}

describe('fettle history export', () => {
  it('writes what the journal holds as CSV, with texts, qualities and fractions of a millisecond', async () => {
    const { config } = await recorded();
    const file = `${config}.csv`;
    const { code, stdout } = await fettle('history', 'export', '-c', config, '--csv', file);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `33 samples → ${file}\n` });
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(34);
    expect(lines.slice(0, 3)).toEqual([
      'time,tag,value,quality',
      '2026-03-01T00:00:00.000250Z,press/flow,0,good',
      '2026-03-01T00:00:00.000Z,"press/recipe, name","oak ""A""",good',
    ]);
    expect(lines[9]).toBe('2026-03-01T00:00:07.000250Z,press/flow,10.5,badDeviceFailure');
  });

  it('writes the same as Parquet, for a span and some tags', async () => {
    const { config } = await recorded();
    const file = `${config}.parquet`;
    const span = ['--from', '2026-03-01T00:00:05Z', '--to', '2026-03-01T00:00:15Z', '--tags', 'press/flow'];
    expect((await fettle('history', 'export', '-c', config, '--parquet', file, ...span)).stdout).toContain('10 samples');
    const rows = (await parquetReadObjects({ file: await asyncBufferFromFile(file) })) as Record<string, unknown>[];
    expect(rows.map(({ value }) => value)).toEqual(Array.from({ length: 10 }, (_, i) => (i + 5) * 1.5));
    expect(rows[0]).toMatchObject({ tag: 'press/flow', text: null, quality: 'good' });
    expect(rows[0]?.time).toEqual(new Date(firstMs + 5000));
  });

  it('asks the gateway where one runs', async () => {
    const { config, data } = await recorded();
    const gateway = await Gateway.start(parseConfig(readFileSync(config, 'utf8'), config, {}), { log: silentLogger });
    onTestFinished(() => gateway.stop());
    const server = await startServer(gateway);
    writeRuntimeFile(data, { pid: process.pid, url: server.url, token: server.token });
    onTestFinished(() => removeRuntimeFile(data));
    const file = `${config}.csv`;
    expect((await fettle('history', 'export', '-c', config, '--csv', file, '--to', '2026-03-01T00:00:03Z')).stdout).toContain('4 samples');
    expect(readFileSync(file, 'utf8').split('\n')[3]).toMatch(/press\/flow,1\.5,good$/);
  });

  it('says what is missing', async () => {
    const { config } = await recorded();
    expect((await fettle('history', 'export', '-c', config)).stderr).toContain('--csv FILE or --parquet FILE');
    expect((await fettle('history', 'export', '-c', config, '--csv', 'x', '--from', 'soon')).stderr).toContain('2026-03-01');
  });
});
