import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { Logger } from '../../src/core/logger.ts';
import { FileSourceMemory } from '../../src/gateway/source-memory.ts';

it('keeps what a source learnt, and knows nothing of what is damaged', () => {
  const data = mkdtempSync(join(tmpdir(), 'fettle-memory-'));
  onTestFinished(() => rmSync(data, { recursive: true }));
  const warnings: string[] = [];
  const write = (_: object, message: string) => {
    warnings.push(message);
  };
  const log: Logger = { debug: write, info: write, warn: write, error: write, child: () => log };
  const memory = () => new FileSourceMemory(data, 'line 1/../plc', log);
  expect(memory().load()).toBeUndefined();
  memory().save({ units: 1 });
  memory().save({ units: 2 });
  expect(memory().load()).toEqual({ units: 2 });
  const [file] = readdirSync(join(data, 'sources'));
  expect(readdirSync(join(data, 'sources'))).toHaveLength(1);
  writeFileSync(join(data, 'sources', file as string), '{"units":');
  expect(memory().load()).toBeUndefined();
  // A disk that takes nothing stops nobody.
  new FileSourceMemory(join(data, 'sources', file as string), 'plc', log).save({});
  expect(warnings).toHaveLength(1);
});
