import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readRuntimeFile } from '../../src/server/runtime-file.ts';
import { fettle, runFettle } from '../support/fettle.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

function plant() {
  const directory = temporaryDirectory();
  const file = join(directory, 'fettle.yaml');
  const data = join(directory, 'data');
  const source = { id: 'plc', type: 'modbus', url: 'tcp://127.0.0.1:1', tags: [{ tag: 'a/flow', reference: '40001', type: 'int16' }] };
  writeFileSync(file, JSON.stringify({ site: 'north', data, server: { listen: '127.0.0.1:0', tls: 'auto' }, sources: [source] }));
  return { file, data };
}

describe('people and programs', () => {
  it('are managed through the running gateway, also over TLS, and in its files when it is away; all of it is in the log', async () => {
    const { file, data } = plant();
    const running = await runFettle(file);
    expect(readRuntimeFile(data)?.url).toMatch(/^https:/);
    const ask = async (...args: string[]) => {
      const { code, stdout, stderr } = await fettle(...args, '-c', file);
      expect(stderr).toBe('');
      expect(code).toBe(0);
      return stdout;
    };
    expect(await ask('user', 'add', 'ada', '--role', 'engineer')).toMatch(/^ada, engineer; password \(shown once\): [a-z2-9-]{23}\n$/);
    expect((await fettle('user', 'add', 'ada', '-c', file)).stderr).toContain('there is a user ada already');
    expect(await ask('token', 'add', 'grafana', '--for', '30d')).toMatch(/^[0-9a-f]{12}, viewer; secret \(shown once\): fettle_/);
    expect(await ask('user', 'disable', 'ada')).toBe('ada can no longer log in\n');
    await running.stop();
    expect(await ask('user', 'enable', 'ada')).toBe('ada can log in again\n');
    expect(await ask('user', 'role', 'ada', 'admin')).toBe('ada is admin now\n');
    const list = await ask('user', 'list');
    expect(list.replaceAll(/\d{4}-\d\d-\d\d/g, '<day>').split('\n')).toEqual([
      'name   role     since',
      'admin  admin    <day>',
      'ada    admin    <day>',
      '',
    ]);
    expect((await fettle('user', 'add', 'bob', '--role', 'boss', '-c', file)).stderr).toContain(
      'there are viewer, operator, engineer, admin',
    );
    const audit = await fettle('audit', 'export', '-c', file);
    expect(audit.stderr).toMatch(/audit\.jsonl: 7 entries, whole; head [0-9a-f]{64}\n$/);
    expect(
      audit.stdout
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { action: string }).action),
    ).toEqual(['user.add', 'configuration', 'user.add', 'token.add', 'user.disable', 'user.enable', 'user.role']);
    writeFileSync(join(data, 'audit.jsonl'), readFileSync(join(data, 'audit.jsonl'), 'utf8').replace('user.disable', 'user.enable'));
    const changed = await fettle('audit', 'export', '-c', file);
    expect(changed.code).toBe(1);
    expect(changed.stderr).toContain('line 5 does not fit the entry before it');
  }, 30_000);
});
