import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rename } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort, listens, type Peer, PeerProcess, peerOf, temporaryFolder } from '../peer-process.ts';
import { requirePeer } from '../peers.ts';

const run = promisify(execFile);
const sourceFile = fileURLToPath(new URL('./libmodbus-server.c', import.meta.url));

export interface LibmodbusOptions {
  /** Addresses of each table, 65,536 when absent. */
  readonly registers?: number;
  /** Longer reads are answered with exception 3. */
  readonly maxRegisters?: number;
  /** Reads that touch these addresses (first and last) are answered with exception 2. */
  readonly holes?: readonly (readonly [number, number])[];
  /** Units that never answer. */
  readonly silentUnits?: readonly number[];
  /** Every answer comes this much later. */
  readonly delayMs?: number;
  /** Function codes answered with exception 1. */
  readonly missingFunctions?: readonly number[];
  /** Register pairs hold the float32 (ABCD) of half their address; otherwise register n holds n. */
  readonly floatRamp?: boolean;
  readonly port?: number;
}

export interface ModbusPeer extends Peer {
  readonly url: string;
  readonly port: number;
}

/** Starts a real libmodbus server on a port of its own; undefined where there is no C compiler or no libmodbus. */
export async function startLibmodbus(options: LibmodbusOptions = {}): Promise<ModbusPeer | undefined> {
  const program = await buildServer();
  if (program === undefined) return undefined;
  const port = options.port ?? (await freePort());
  return startPeer('libmodbus server', program, [String(port), ...flagsOf(options)], port);
}

/** The same on a serial device at 19,200 baud with even parity, as one unit. */
export async function startLibmodbusRtu(path: string, unit: number, options: LibmodbusOptions = {}): Promise<Peer | undefined> {
  const program = await buildServer();
  return program === undefined
    ? undefined
    : startSerialPeer('libmodbus server', program, [path, '--unit', String(unit), ...flagsOf(options)]);
}

/** It is ready when it has said so. */
export async function startSerialPeer(name: string, program: string, args: readonly string[]): Promise<Peer> {
  const server: PeerProcess = new PeerProcess(name, program, args, await temporaryFolder('modbus'), async () =>
    server.output.includes('listening'),
  );
  return peerOf(server);
}

const flagsOf = (options: LibmodbusOptions): string[] =>
  [
    ...(options.registers === undefined ? [] : ['--registers', options.registers]),
    ...(options.maxRegisters === undefined ? [] : ['--max-registers', options.maxRegisters]),
    ...(options.delayMs === undefined ? [] : ['--delay', options.delayMs]),
    ...(options.holes ?? []).flatMap(([from, to]) => ['--hole', `${from}-${to}`]),
    ...(options.silentUnits ?? []).flatMap((unit) => ['--silent', unit]),
    ...(options.missingFunctions ?? []).flatMap((code) => ['--no-table', code]),
    ...(options.floatRamp === true ? ['--float-ramp'] : []),
  ].map(String);

export async function startPeer(name: string, program: string, args: readonly string[], port: number): Promise<ModbusPeer> {
  const server = new PeerProcess(name, program, args, await temporaryFolder('modbus'), () => listens(port));
  return {
    ...(await peerOf(server)),
    url: `tcp://127.0.0.1:${port}`,
    port,
  };
}

/** Compiled once for each version of the source, into the system's temporary folder. */
async function buildServer(): Promise<string | undefined> {
  const compiler = requirePeer('cc');
  if (compiler === undefined) return undefined;
  const version = createHash('sha256')
    .update(await readFile(sourceFile))
    .digest('hex')
    .slice(0, 12);
  const folder = join(tmpdir(), 'fettle-modbus-servers');
  const program = join(folder, `libmodbus-server-${version}`);
  try {
    await access(program);
    return program;
  } catch {
    // Not built yet.
  }
  await mkdir(folder, { recursive: true });
  const fresh = `${program}.${process.pid}`;
  try {
    await run(compiler, ['-O2', '-o', fresh, sourceFile, '-lmodbus']);
  } catch (error) {
    if (process.env.FETTLE_REQUIRE_PEERS === '1') throw error;
    return undefined;
  }
  // Two test files may build at once; the last one wins, and both are the same.
  await rename(fresh, program);
  return program;
}
