import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { release } from 'node:os';
import { join } from 'node:path';
import { ConfigError, type LoadedConfig, loadConfig } from '../config/load.ts';
import { formatBytes } from '../core/duration.ts';
import { errorText } from '../core/errors.ts';
import type { StorageForecast } from '../gateway/storage-forecast.ts';
import { readRuntimeFile } from '../server/runtime-file.ts';
import { askGateway } from './ask-gateway.ts';

export interface Finding {
  readonly state: 'good' | 'warning' | 'bad';
  readonly what: string;
  readonly found: string;
  /** What to do. */
  readonly advice?: string;
}

const good = (what: string, found: string): Finding => ({ state: 'good', what, found });
const warning = (what: string, found: string, advice: string): Finding => ({ state: 'warning', what, found, advice });
const bad = (what: string, found: string, advice: string): Finding => ({ state: 'bad', what, found, advice });

const reachMs = 3_000;

/** Everything around a gateway, one finding after the other; opens no device and changes nothing but a file of its own in the data directory, which it removes. */
export async function* examine(configFile: string): AsyncGenerator<Finding> {
  yield good('Node', `${process.version} on ${process.platform} ${release()}, ${process.arch}`);
  yield await runtime();
  yield clock();
  yield* serialPorts();
  yield await nagle();
  let loaded: LoadedConfig;
  try {
    loaded = loadConfig(configFile);
  } catch (error) {
    yield error instanceof ConfigError
      ? bad('configuration', `${configFile}: ${counted(error.problems.length, 'problem')}`, `fettle check ${configFile} lists them`)
      : bad('configuration', errorText(error), 'fettle init writes one to start from');
    return;
  }
  const { sources, assets, sinks, data } = loaded.config;
  yield good(
    'configuration',
    `${configFile}: ${counted(sources.length, 'source')}, ${counted(assets.length, 'asset')}, ${counted(sinks.length, 'sink')}`,
  );
  yield* disk(data);
  yield await port(loaded);
  yield* await history(data);
  for (const { id, url } of [
    // To those of type http programs come by themselves.
    ...sources.filter((source) => source.type !== 'http'),
    ...sinks,
    ...(loaded.config.alerts === undefined ? [] : [{ id: 'alerts', url: loaded.config.alerts.url }]),
  ])
    yield await reach(id, url);
}

async function runtime(): Promise<Finding> {
  try {
    const { runtimeVersion } = await import('../gateway/check-models.ts');
    return good('ONNX Runtime', await runtimeVersion());
  } catch (error) {
    return bad('ONNX Runtime', errorText(error), 'npm ci again; on Linux it needs glibc 2.28 or newer');
  }
}

function clock(): Finding {
  const now = new Date();
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const said = `${now.toISOString()} (zone ${zone})`;
  if (now.getFullYear() < 2025) return bad('clock', said, 'this is not today: set the clock, or let chrony or systemd-timesyncd do it');
  const synchronised =
    existsSync('/run/systemd/timesync/synchronized') || existsSync('/run/chrony/chronyd.pid') || existsSync('/var/run/ntpd.pid');
  if (process.platform !== 'linux' || synchronised) return good('clock', said);
  return warning(
    'clock',
    `${said}; nobody seems to keep it right`,
    'install chrony or systemd-timesyncd: samples with arrival time are as wrong as this clock',
  );
}

function* serialPorts(): Generator<Finding> {
  const byId = '/dev/serial/by-id';
  const stable = existsSync(byId) ? readdirSync(byId).map((name) => join(byId, name)) : [];
  const ports = existsSync('/dev') ? readdirSync('/dev').filter((name) => /^tty(USB|ACM|AMA|S\d+$|XRUSB)/.test(name) && usable(name)) : [];
  if (ports.length === 0) {
    yield good('serial', 'no serial adapter is plugged in');
    return;
  }
  for (const name of ports) {
    const path = `/dev/${name}`;
    const alias = stable.find((link) => realpathSync(link) === path);
    try {
      accessSync(path, constants.R_OK | constants.W_OK);
      yield alias === undefined
        ? good('serial', path)
        : good('serial', `${path}, to be named ${alias}: that stays when another one is plugged in`);
    } catch {
      yield bad('serial', `${path} may not be opened by this user`, 'sudo usermod -aG dialout $USER, then log in again');
    }
  }
}

/** The eight or more ttyS of a PC without hardware behind them are not worth a line. */
const usable = (name: string): boolean => !/^ttyS/.test(name) || existsSync(`/sys/class/tty/${name}/device/driver/module`);

/** Whether small messages leave at once: the round trip of 50 of them over the loopback, two writes each. */
async function nagle(): Promise<Finding> {
  const echo = createServer({ noDelay: true }, (socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  const socket = connect({ port: (echo.address() as { port: number }).port, host: '127.0.0.1', noDelay: true });
  const times: number[] = [];
  try {
    for (let i = 0; i < 50; i++) {
      const began = performance.now();
      socket.write('a');
      socket.write('b');
      for (let got = 0; got < 2; ) got += (await new Promise<Buffer>((resolve) => socket.once('data', resolve))).length;
      times.push(performance.now() - began);
    }
  } finally {
    socket.destroy();
    echo.close();
  }
  const median = times.sort((a, b) => a - b)[25] as number;
  const said = `${median.toFixed(2)} ms there and back over the loopback`;
  return median < 5
    ? good('latency', said)
    : warning('latency', said, 'small messages wait: is the machine overloaded, or something between them?');
}

function* disk(data: string): Generator<Finding> {
  const probe = join(data, `.fettle-doctor-${process.pid}`);
  try {
    mkdirSync(data, { recursive: true });
    const file = openSync(probe, 'w');
    const times: number[] = [];
    try {
      const page = Buffer.alloc(8192, 1);
      for (let i = 0; i < 40; i++) {
        const began = performance.now();
        writeSync(file, page);
        fsyncSync(file);
        times.push(performance.now() - began);
      }
    } finally {
      closeSync(file);
      rmSync(probe, { force: true });
    }
    times.sort((a, b) => a - b);
    const [median, worst] = [times[20] as number, times.at(-1) as number];
    const said = `${data}: fsync ${median.toFixed(1)} ms, worst of 40 ${worst.toFixed(1)} ms`;
    yield median < 20
      ? good('disk', said)
      : warning('disk', said, 'an SD card? set journal.commit to 1s: acknowledgements wait longer, the card lives longer');
  } catch (error) {
    yield bad('disk', `${data} cannot be written: ${errorText(error)}`, 'give the user of the gateway the directory, or set data:');
    return;
  }
  const { bavail, bsize } = statfsSync(data);
  const free = bavail * bsize;
  yield free > 1e9
    ? good('disk space', `${formatBytes(free)} free`)
    : warning('disk space', `${formatBytes(free)} free`, 'make room or lower journal.maxBytes: a full disk stops the keeping of samples');
}

async function port({ config }: LoadedConfig): Promise<Finding> {
  const { listen } = config.server;
  const running = readRuntimeFile(config.data);
  if (running !== undefined && alive(running.pid)) return good('HTTP API', `${running.url}, a gateway runs here (process ${running.pid})`);
  const separator = listen.lastIndexOf(':');
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: listen.slice(0, separator).replace(/^\[|\]$/g, ''), port: Number(listen.slice(separator + 1)) }, resolve);
    });
    return good('HTTP API', `${listen} is free`);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return warning(
      'HTTP API',
      `${listen}: ${code === 'EADDRINUSE' ? 'another program listens there' : errorText(error)}`,
      'set server.listen; else a free port is taken',
    );
  } finally {
    server.close();
  }
}

/** Of a gateway that runs: how far back its journal will reach. */
async function history(data: string): Promise<Finding[]> {
  const running = readRuntimeFile(data);
  if (running === undefined || !alive(running.pid)) return [];
  try {
    const { bytes, bytesPerDay, daysOfHistory, bound } = await askGateway<StorageForecast>(data, 'GET', '/api/v1/storage');
    const kept = `${formatBytes(bytes)} kept`;
    if (bytesPerDay === null || daysOfHistory === null) return [good('history', `${kept}; how much a day is known after a minute`)];
    const said = `${kept}, ${formatBytes(bytesPerDay)} a day: ${daysOfHistory.toPrecision(2)} days of history`;
    return [
      bound === 'disk'
        ? warning('history', `${said}, then the disk is full`, 'lower journal.maxBytes below what is free')
        : good('history', `${said}, by journal.${bound}`),
    ];
  } catch (error) {
    return [warning('history', errorText(error), 'fettle status')];
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const defaultPorts: Readonly<Record<string, number>> = {
  'mqtt:': 1883,
  'mqtts:': 8883,
  'ws:': 80,
  'wss:': 443,
  'http:': 80,
  'https:': 443,
  'tcp:': 502,
};

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Only whether something listens: what a device says is for `fettle modbus read`. */
async function reach(id: string, address: string): Promise<Finding> {
  const url = new URL(address);
  const { hostname } = url;
  if (hostname === '')
    return existsSync(url.pathname)
      ? good(id, address)
      : bad(id, `${url.pathname} is not there`, 'is the adapter plugged in? /dev/serial/by-id lists them');
  const number = Number(url.port) || (defaultPorts[url.protocol] ?? 502);
  const began = performance.now();
  const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: number });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
      socket.setTimeout(reachMs, () => reject(new Error(`no answer within ${reachMs / 1000} s`)));
    });
    return good(id, `${hostname}:${number} answers after ${(performance.now() - began).toFixed(0)} ms`);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return bad(
      id,
      `${hostname}:${number}: ${errorText(error)}`,
      advices[code ?? ''] ?? 'is it switched on, and in this network? A firewall swallows silently',
    );
  } finally {
    socket.destroy();
  }
}

const advices: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the machine is there and nothing listens on that port: is the service enabled, the port right, its one connection taken?',
  ENOTFOUND: 'nobody knows that name: is it spelt right? Try the address',
  EHOSTUNREACH: 'no way there: is the network right, the cable in?',
  ENETUNREACH: 'no way there: has this machine an address in that network?',
};
