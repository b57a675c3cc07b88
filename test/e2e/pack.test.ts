import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../house/sources.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** The npm that belongs to the Node of the machine runs on the Node of the project here. */
const environment = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}`, ONNXRUNTIME_NODE_INSTALL: 'skip' };

describe('the packed package', () => {
  it('installs and runs from compiled JavaScript, without the repository', async () => {
    const directory = temporaryDirectory();
    execFileSync('npm', ['pack', '--silent', '--pack-destination', directory], { cwd: root, env: environment });
    const tarball = readdirSync(directory).find((name) => name.endsWith('.tgz')) as string;
    writeFileSync(join(directory, 'package.json'), '{"private":true}');
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', join(directory, tarball)], {
      cwd: directory,
      env: environment,
      stdio: 'ignore',
    });
    const fettle = join(directory, 'node_modules/@fettle/gateway/bin/fettle.js');
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [fettle, ...args], { cwd: directory, encoding: 'utf8', env: environment });
    expect(readdirSync(join(directory, 'node_modules/@fettle/gateway'))).not.toContain('src');
    expect(run('--version').stdout.trim()).toMatch(/^\d+\.\d+\.\d+$/);
    expect(run('init').status).toBe(0);
    expect(run('check').stdout).toMatch(/^fettle.yaml is fine: 1 source, 1 asset, 0 sinks/);
    writeFileSync(join(directory, 'broken.yaml'), 'site: a b\nassets: 3\n');
    const broken = run('check', 'broken.yaml');
    expect(broken.status).toBe(2);
    expect(broken.stdout).toContain('broken.yaml:1:7');
    expect(broken.stdout).toContain('broken.yaml:2:9');
    expect(run('run', '-c', 'broken.yaml').status).toBe(2);

    writeFileSync(
      join(directory, 'small.yaml'),
      'site: north\nserver: { listen: "127.0.0.1:0" }\nsources:\n  - { id: plc, type: modbus, url: "tcp://127.0.0.1:1", tags: [{ tag: a/b, table: holdingRegister, address: 0, type: int16 }] }\nassets:\n  - { id: a, tags: [a/b] }\n',
    );
    const gateway = spawn(process.execPath, [fettle, 'run', '-c', 'small.yaml'], { cwd: directory, env: environment });
    let log = '';
    gateway.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
    for (let i = 0; i < 200 && !log.includes('fettle is running'); i++) await new Promise((resolve) => setTimeout(resolve, 50));
    const status = run('status', '-c', 'small.yaml', '--json');
    const second = run('run', '-c', 'small.yaml');
    gateway.kill('SIGTERM');
    const code = await new Promise((resolve) => gateway.once('exit', resolve));
    expect(JSON.parse(status.stdout)).toMatchObject({ site: 'north', state: 'degraded' });
    expect(second.status).toBe(1);
    expect(second.stderr).toContain('FETTLE_DATA_LOCKED');
    expect(log).toContain('stopped');
    expect(code).toBe(0);
    expect(run('status', '-c', 'small.yaml').stderr).toContain('no gateway runs on');
  }, 180_000);
});
