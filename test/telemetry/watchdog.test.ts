import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import type { Logger } from '../../src/core/logger.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { notifySystemd } from '../../src/telemetry/watchdog.ts';
import { root } from '../house/sources.ts';
import { eventually } from '../support/eventually.ts';
import { requirePeer } from '../support/peers.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** The datagram socket that systemd would listen on. */
async function systemd(test: TestContext) {
  const socat = requirePeer('socat');
  if (socat === undefined || requirePeer('systemd-notify') === undefined) return test.skip('socat and systemd-notify are needed');
  const socket = join(temporaryDirectory(), 'notify');
  const child = spawn(socat, ['-u', `UNIX-RECV:${socket}`, 'STDOUT'], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  let heard = '';
  child.stdout.on('data', (chunk: Buffer) => {
    heard += chunk.toString();
  });
  await eventually(() => existsSync(socket), 'the socket is there');
  return { socket, heard: () => heard, count: (what: string) => heard.split(what).length - 1 };
}

describe('systemd', () => {
  it('is told that a gateway is ready, that its event loop turns, and that it stops; nothing while the process stands still', async (test) => {
    const { socket, heard, count } = await systemd(test);
    const directory = temporaryDirectory();
    const file = join(directory, 'fettle.yaml');
    writeFileSync(file, 'site: north\ndata: data\nserver: { listen: "127.0.0.1:0" }\n');
    const child = spawn(process.execPath, [join(root, 'bin/fettle.js'), 'run', '-c', file], {
      stdio: 'ignore',
      env: { ...process.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '400000' },
    });
    const exited = once(child, 'exit');
    onTestFinished(() => void child.kill('SIGKILL'));
    await eventually(() => heard().includes('READY=1'), 'ready', 60_000);
    expect(heard()).toContain(`MAINPID=${child.pid}`);
    await eventually(() => count('WATCHDOG=1') >= 3, 'it turns');
    child.kill('SIGSTOP');
    // What was on its way arrives; after that, five times the period in silence.
    await new Promise((resolve) => setTimeout(resolve, 500));
    const before = count('WATCHDOG=1');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(count('WATCHDOG=1')).toBe(before);
    expect(count('STOPPING=1')).toBe(0);
    child.kill('SIGCONT');
    await eventually(() => count('WATCHDOG=1') > before, 'it turns again');
    child.kill('SIGTERM');
    await exited;
    expect(child.exitCode).toBe(0);
    await eventually(() => count('STOPPING=1') === 1, 'it stops');
  }, 90_000);

  it('that asks for nothing is told nothing more than that it is ready', async (test) => {
    const { socket, heard, count } = await systemd(test);
    const notifier = notifySystemd(silentLogger, { ...process.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: undefined });
    await eventually(() => heard().includes('READY=1'), 'ready');
    notifier.stop();
    await eventually(() => heard().includes('STOPPING=1'), 'stops');
    expect(count('WATCHDOG=1')).toBe(0);
  });

  it('that is not there is missed by nobody, and one that cannot be reached is told in the log, once', async (test) => {
    if (requirePeer('systemd-notify') === undefined) return test.skip();
    const warned: string[] = [];
    const log: Logger = { ...silentLogger, warn: (_, message) => void warned.push(message), child: () => log };
    notifySystemd(log, {}).stop();
    const nowhere = { PATH: process.env.PATH, NOTIFY_SOCKET: join(temporaryDirectory(), 'nobody'), WATCHDOG_USEC: '20000' };
    const notifier = notifySystemd(log, nowhere);
    await eventually(() => warned.length > 0, 'a warning');
    notifier.stop();
    expect(warned).toHaveLength(1);
    expect(warned[0]).toContain('systemd is not told');
  });
});
