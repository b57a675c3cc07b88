import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { readRuntimeFile } from '../../src/server/runtime-file.ts';
import { root } from '../house/sources.ts';
import { eventually } from '../support/eventually.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const command = join(root, 'bin/fettle.js');

/** A Node of this machine that is older than the gateway takes, if there is one. */
function olderNode(test: TestContext): string {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin']) {
    const path = join(folder, 'node');
    if (!existsSync(path)) continue;
    if (Number(/^v(\d+)/.exec(execFileSync(path, ['--version'], { encoding: 'utf8' }))?.[1]) < 24) return path;
  }
  return test.skip('there is no older Node on this machine');
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** `fettle run` by an older Node, and the process that is the gateway. */
async function runByOlder(test: TestContext) {
  const node = olderNode(test);
  const data = temporaryDirectory();
  const file = join(data, 'fettle.yaml');
  writeFileSync(file, 'site: north\ndata: data\nserver: { listen: "127.0.0.1:0" }\n');
  const parent = spawn(node, [command, 'run', '-c', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [parent.stdout, parent.stderr])
    stream.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
  const exited = once(parent, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  await eventually(() => log.includes('fettle is running'), 'it runs', 60_000);
  const pid = readRuntimeFile(join(data, 'data'))?.pid ?? 0;
  expect(pid).not.toBe(parent.pid);
  onTestFinished(() => {
    for (const one of [parent.pid ?? 0, pid]) if (one > 0 && isAlive(one)) process.kill(one, 'SIGKILL');
  });
  return { parent, pid, exited, file, log: () => log };
}

describe('fettle started by an older Node', () => {
  it('gives the answer and the exit code of the one it goes on with', (test) => {
    const node = olderNode(test);
    expect(execFileSync(node, [command, '--version'], { encoding: 'utf8' })).toMatch(/^\d+\.\d+\.\d+/);
    expect(() => execFileSync(node, [command, 'check', 'nowhere.yaml'], { stdio: 'pipe' })).toThrow(
      expect.objectContaining({ status: 2 }) as Error,
    );
  }, 60_000);

  it.for(['SIGTERM', 'SIGINT'] as const)('stops cleanly at %s, and leaves nothing behind', { timeout: 90_000 }, async (signal, test) => {
    const { parent, pid, exited, log } = await runByOlder(test);
    parent.kill(signal);
    expect(await exited).toEqual([0, null]);
    expect(log()).toContain('committing what is in flight');
    expect(isAlive(pid)).toBe(false);
  });

  it('takes over its configuration at SIGHUP, and ends by the signal that ended the gateway', async (test) => {
    const { parent, pid, exited, log, file } = await runByOlder(test);
    const more = 'sources: [{ id: program, type: http, tags: [{ tag: press/flow }] }]\n';
    writeFileSync(file, `${readFileSync(file, 'utf8')}${more}`);
    parent.kill('SIGHUP');
    await eventually(() => log().includes('the changed configuration is in force'), 'it is taken over');
    expect(isAlive(parent.pid ?? 0)).toBe(true);
    process.kill(pid, 'SIGKILL');
    expect(await exited).toEqual([null, 'SIGKILL']);
  }, 90_000);
});
