import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort, type Peer } from '../peer-process.ts';
import { requirePeer } from '../peers.ts';
import { type ModbusPeer, startPeer, startSerialPeer } from './libmodbus.ts';

const run = promisify(execFile);
const script = fileURLToPath(new URL('./pymodbus-server.py', import.meta.url));

/** Starts a real pymodbus server (see the script) on a port of its own; undefined where Python or pymodbus is not installed. */
export async function startPymodbus(): Promise<ModbusPeer | undefined> {
  const program = await pythonWith('pymodbus');
  if (program === undefined) return undefined;
  const port = await freePort();
  return startPeer('pymodbus server', program, [script, String(port)], port);
}

/** The same on a serial device at 19,200 baud. */
export async function startPymodbusRtu(path: string): Promise<Peer | undefined> {
  const program = await pythonWith('pymodbus, serial_asyncio');
  return program === undefined ? undefined : startSerialPeer('pymodbus server', program, [script, path]);
}

/** The first Python that has these modules. */
async function pythonWith(modules: string): Promise<string | undefined> {
  const python = requirePeer('python3');
  if (python === undefined) return undefined;
  // Another Python may come first in the path; Debian's modules belong to Debian's.
  for (const program of ['/usr/bin/python3', python]) {
    try {
      await run(program, ['-c', `import ${modules}`]);
      return program;
    } catch {
      // Not this one.
    }
  }
  if (process.env.FETTLE_REQUIRE_PEERS === '1') throw new Error(`Python has no ${modules}, and FETTLE_REQUIRE_PEERS=1 wants it`);
  return undefined;
}
