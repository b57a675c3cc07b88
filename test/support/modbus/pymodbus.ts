import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '../peer-process.ts';
import { requirePeer } from '../peers.ts';
import { type ModbusPeer, startPeer } from './libmodbus.ts';

const run = promisify(execFile);
const script = fileURLToPath(new URL('./pymodbus-server.py', import.meta.url));

/** Starts a real pymodbus server (see the script) on a port of its own; undefined where Python or pymodbus is not installed. */
export async function startPymodbus(): Promise<ModbusPeer | undefined> {
  const python = requirePeer('python3');
  if (python === undefined) return undefined;
  // Another Python may come first in the path; Debian's module belongs to Debian's.
  for (const program of ['/usr/bin/python3', python]) {
    try {
      await run(program, ['-c', 'import pymodbus']);
    } catch {
      continue;
    }
    const port = await freePort();
    return startPeer('pymodbus server', program, [script, String(port)], port);
  }
  if (process.env.FETTLE_REQUIRE_PEERS === '1') throw new Error('pymodbus is not installed, and FETTLE_REQUIRE_PEERS=1 wants it');
  return undefined;
}
