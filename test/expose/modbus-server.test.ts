import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import type { AssetAlarmState, StandingAlarm } from '../../src/core/alarm.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { listedPoints } from '../../src/expose/expose.ts';
import { answerTo, ModbusServer } from '../../src/expose/modbus-server.ts';
import { type Exposed, mapVersion, registerCsv, registerMap } from '../../src/expose/register-map.ts';
import { eventually } from '../support/eventually.ts';
import { runSource } from '../support/modbus/source-run.ts';
import { requirePeer } from '../support/peers.ts';

const alarm = (change: Partial<StandingAlarm> = {}): StandingAlarm => ({
  rule: 'anomaly',
  tag: null,
  state: 'unacknowledged',
  kind: 'alert',
  priority: 'high',
  sinceMs: 0,
  ratio: 2,
  message: '',
  findings: [],
  advice: null,
  consequence: null,
  provisional: false,
  transition: 't',
  shelvedUntilMs: null,
  ...change,
});
const asset = (id: string, change: Partial<AssetAlarmState> = {}): AssetAlarmState => ({
  asset: id,
  sequence: 1,
  state: 'normal',
  watching: 'yes',
  watchingText: '',
  alarms: [],
  atMs: 0,
  ...change,
});
const exposed: Exposed = {
  status: {
    state: 'degraded',
    assets: [
      asset('pump'),
      asset('press', { alarms: [alarm(), alarm({ rule: 'drift', state: 'acknowledged', priority: 'low' })] }),
      asset('oven', { watching: 'no' }),
    ],
  },
  ratios: new Map([
    ['pump', 0.25],
    ['press', 12.5],
  ]),
  nowMs: Date.UTC(2026, 2, 1, 6),
  heartbeat: 65_537,
};
const points = registerMap([
  { asset: 'pump', tags: ['pump/flow'] },
  { asset: 'press', tags: [] },
  { asset: 'oven', tags: [] },
]);

async function startServer(): Promise<ModbusServer> {
  const server = new ModbusServer(points, () => exposed, silentLogger);
  onTestFinished(() => server.stop());
  await server.start('127.0.0.1', 0);
  return server;
}

describe('alarms and scores over Modbus', () => {
  it('are read by a client that knows only the list', async () => {
    const server = await startServer();
    const [, ...rows] = registerCsv(points).trimEnd().split('\n');
    const tags = rows.map((row) => {
      const [table = '', address, , type, order, name] = row.split(',');
      const isBit = table.startsWith('discrete');
      return {
        tag: `${isBit ? 'bit' : 'register'}/${name}`,
        table: isBit ? 'discreteInput' : 'inputRegister',
        address: Number(address),
        ...(!isBit && { type }),
        ...(order !== '' && { order }),
      };
    });
    const run = await runSource({ url: `tcp://127.0.0.1:${server.port}`, poll: '100ms', tags });
    onTestFinished(() => run.stop());
    await eventually(() => tags.every(({ tag }) => run.last(tag) !== undefined), 'all of it is read');
    const value = (tag: string): number | undefined => run.last(tag)?.value;
    expect(Object.fromEntries(['healthy', 'alarm', 'unacknowledged'].map((name) => [name, value(`bit/gateway/${name}`)]))).toEqual({
      healthy: 0,
      alarm: 1,
      unacknowledged: 1,
    });
    expect(['heartbeat', 'assets', 'standing', 'unacknowledged', 'time'].map((name) => value(`register/gateway/${name}`))).toEqual([
      1,
      3,
      2,
      1,
      exposed.nowMs / 1000,
    ]);
    const of = (id: string) => ['health', 'watching', 'score', 'standing', 'priority'].map((name) => value(`register/${id}/${name}`));
    expect(of('pump')).toEqual([0, 0, 0.25, 0, 0]);
    expect(of('press')).toEqual([3, 0, 12.5, 2, 3]);
    expect(of('oven')).toEqual([5, 3, Number.NaN, 0, 0]);
    expect(['alarm', 'unacknowledged', 'anomaly', 'watched'].map((name) => value(`bit/press/${name}`))).toEqual([1, 1, 1, 1]);
    expect(['alarm', 'watched'].map((name) => value(`bit/oven/${name}`))).toEqual([0, 0]);
  });

  it('are read by mbpoll, which cannot write them', async ({ skip }) => {
    const mbpoll = requirePeer('mbpoll') ?? skip();
    const server = await startServer();
    const ask = async (...args: string[]): Promise<string> =>
      (await promisify(execFile)(mbpoll, ['-1', '-0', '-p', String(server.port), ...args])).stdout;
    expect(await ask('-r', '112', '-c', '1', '-t', '3:float', '-B', '127.0.0.1')).toMatch(/\[112\]:\s+12\.5/);
    expect(await ask('-r', '20', '-c', '2', '-t', '1', '127.0.0.1')).toMatch(/\[20\]:\s+1\s+\[21\]:\s+1/);
    await expect(ask('-r', '0', '-t', '4', '127.0.0.1', '--', '7')).rejects.toThrow(/[Ii]llegal function/);
  });

  it('have a bit for each alarm, which a client reads while it stands', async ({ skip }) => {
    const places = [
      { asset: 'press', tags: ['press/flow', 'press/temp'] },
      { asset: 'pump', tags: ['press/temp'] },
    ];
    let alarms: StandingAlarm[] = [];
    const status = () => ({ state: 'good' as const, assets: [asset('press', { alarms }), asset('pump')] });
    const server = new ModbusServer(registerMap(places), () => ({ ...exposed, status: status() }), silentLogger);
    onTestFinished(() => server.stop());
    await server.start('127.0.0.1', 0);
    const bits = { drift: 32_769, notWatched: 32_770, hihi: 32_784, flatline: 32_789, 'hi of the pump': 32_768 + 128 + 8 + 1 };
    const mbpoll = requirePeer('mbpoll') ?? skip();
    const read = async () => {
      const ask = async (address: number): Promise<[number, number]> => {
        const asked = ['-1', '-0', '-p', String(server.port), '-r', String(address), '-c', '1', '-t', '1', '127.0.0.1'];
        const { stdout } = await promisify(execFile)(mbpoll, asked);
        return [address, Number(/\[\d+\]:\s+(\d)/.exec(stdout)?.[1])];
      };
      const values = new Map<number, number>();
      for (const address of Object.values(bits)) values.set(...(await ask(address)));
      return Object.entries(bits).flatMap(([name, address]) => (values.get(address) === 1 ? [name] : []));
    };
    expect(await read()).toEqual([]);
    alarms = [
      alarm({ rule: 'drift' }),
      alarm({ rule: 'hihi', tag: 'press/temp', state: 'acknowledged' }),
      // Over, put away: they do not stand.
      alarm({ rule: 'flatline', tag: 'press/temp', state: 'returnedUnacknowledged' }),
      alarm({ rule: 'notWatched', state: 'shelved' }),
    ];
    expect(await read()).toEqual(['drift', 'hihi']);
    const unacknowledged = registerMap(places).find(({ table, name }) => table === 'register' && name === 'gateway/unacknowledged');
    expect(unacknowledged?.read({ ...exposed, status: status() })).toBe(2);
  });

  it('move nothing when limits, tags at the end or further assets come', () => {
    const addresses = (config: object) => {
      const loaded = parseConfig(JSON.stringify({ site: 'north', expose: { modbus: 'tcp://127.0.0.1:1502' }, ...config }), 'x.yaml', {});
      return new Map(listedPoints(loaded.config).map(({ table, name, address }) => [`${table} ${name}`, address]));
    };
    const source = (...tags: string[]) => ({ sources: [{ id: 'program', type: 'http', tags: tags.map((tag) => ({ tag })) }] });
    const before = addresses({
      ...source('press/flow', 'oven/heat'),
      tags: { 'press/flow': { limits: { hi: 80 } }, 'oven/heat': { flatline: '1h' } },
      assets: [
        { id: 'press', tags: ['press/flow'] },
        { id: 'oven', tags: ['oven/heat'], detector: { learn: {} } },
      ],
    });
    expect(Object.fromEntries([...before].filter(([name]) => name.includes('/alarm/')))).toEqual({
      'bit press/alarm/notWatched': 32_770,
      'bit press/alarm/hi/press/flow': 32_777,
      'bit oven/alarm/anomaly': 32_896,
      'bit oven/alarm/drift': 32_897,
      'bit oven/alarm/notWatched': 32_898,
      'bit oven/alarm/flatline/oven/heat': 32_909,
    });
    const after = addresses({
      ...source('press/flow', 'press/temp', 'oven/heat', 'fan/speed'),
      tags: {
        'press/flow': { limits: { hihi: 90, hi: 80, lo: 5 }, badQuality: '1m' },
        'press/temp': { limits: { hi: 60 } },
        'oven/heat': { flatline: '1h' },
      },
      assets: [
        { id: 'press', tags: ['press/flow', 'press/temp'] },
        { id: 'oven', tags: ['oven/heat'], detector: { learn: {} } },
        { id: 'fan', tags: ['fan/speed'] },
      ],
    });
    for (const [name, address] of before) expect(`${name} ${after.get(name)}`).toBe(`${name} ${address}`);
    expect([...new Set([...after].map(([name, address]) => `${name.split(' ')[0]} ${address}`))]).toHaveLength(after.size);
    expect(registerCsv(registerMap([{ asset: 'press', tags: ['press/flow'] }]))).toContain(
      'discrete input / coil,32777,132778,bool,,press/alarm/hi/press/flow,1: press/flow above the limit',
    );
  });

  it('have no bit where there is no room, and then none of the asset', () => {
    const many = registerMap(Array.from({ length: 300 }, (_, i) => ({ asset: `m${i}`, tags: [`m${i}/a`] })));
    const bits = many.filter(({ table }) => table === 'bit');
    expect(Math.max(...bits.map(({ address }) => address))).toBeLessThan(65_536);
    expect(bits.some(({ name }) => name === 'm255/alarm/badQuality/m255/a')).toBe(true);
    expect(bits.some(({ name }) => name.startsWith('m256/alarm/'))).toBe(false);
    expect(many.some(({ name }) => name === 'm299/score')).toBe(true);
  });

  it('answer nothing but reads, whatever is sent', async () => {
    const request = (code: number, from: number, count: number) => Uint8Array.of(code, from >> 8, from & 255, count >> 8, count & 255);
    for (const code of [5, 6, 15, 16, 22, 23, 43])
      expect(answerTo(request(code, 0, 1), points, () => exposed)).toEqual(Uint8Array.of(code | 0x80, 1));
    expect(answerTo(request(3, 65_535, 2), points, () => exposed)).toEqual(Uint8Array.of(0x83, 2));
    expect(answerTo(request(3, 0, 126), points, () => exposed)).toEqual(Uint8Array.of(0x83, 3));
    expect(answerTo(request(1, 0, 2001), points, () => exposed)).toEqual(Uint8Array.of(0x81, 3));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 260 }), (pdu) => {
        const answer = answerTo(pdu, points, () => exposed);
        expect(answer === undefined || answer.length <= 253).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('end the connection of who does not speak Modbus, and of nobody else', async () => {
    const server = await startServer();
    const open = () =>
      new Promise<{ send(bytes: Uint8Array): void; heard: Buffer[]; closed: () => boolean }>((resolve) => {
        const heard: Buffer[] = [];
        let closed = false;
        const socket = connect(server.port, '127.0.0.1', () =>
          resolve({ send: (bytes) => void socket.write(bytes), heard, closed: () => closed }),
        );
        socket.on('data', (chunk) => heard.push(chunk)).on('error', () => {});
        socket.on('close', () => {
          closed = true;
        });
        onTestFinished(() => void socket.destroy());
      });
    const good = await open();
    const bad = await open();
    bad.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    await eventually(() => bad.closed(), 'it is let go');
    const frame = Buffer.from([0, 7, 0, 0, 0, 6, 9, 4, 0, 1, 0, 1]);
    // In pieces, and two at once.
    good.send(frame.subarray(0, 5));
    good.send(Buffer.concat([frame.subarray(5), frame]));
    await eventually(() => Buffer.concat(good.heard).length === 22, 'both are answered');
    expect(Buffer.concat(good.heard).subarray(0, 11)).toEqual(Buffer.from([0, 7, 0, 0, 0, 5, 9, 4, 2, 0, mapVersion]));
  });
});
