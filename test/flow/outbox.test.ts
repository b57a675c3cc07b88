import { spawn } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FlowOutbox, type FlowOutboxOptions } from '../../src/flow/flow-outbox.ts';
import { askInfluxdb } from '../grafana/ask.ts';
import { eventually } from '../support/eventually.ts';
import { startInfluxd } from '../support/influxd.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { freePort } from '../support/peer-process.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

interface Receiver {
  readonly bodies: { readonly n: number }[];
  readonly keys: string[];
  readonly url: string;
  close(): void;
}

async function receiver(port: number, answer: (n: number, times: number) => number = () => 204): Promise<Receiver> {
  const bodies: { n: number }[] = [];
  const keys: string[] = [];
  const times = new Map<number, number>();
  const server: Server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on('end', () => {
      const body = JSON.parse(text) as { n: number };
      times.set(body.n, (times.get(body.n) ?? 0) + 1);
      const status = answer(body.n, times.get(body.n) as number);
      if (status < 300) {
        bodies.push(body);
        keys.push(String(request.headers['idempotency-key']));
      }
      response.writeHead(status).end(status < 300 ? undefined : 'not so');
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  onTestFinished(close);
  return { bodies, keys, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

async function open(target: FlowOutboxOptions['target'], directory = temporaryDirectory()): Promise<FlowOutbox> {
  const outbox = await FlowOutbox.open({ directory, target });
  onTestFinished(() => outbox.close());
  return outbox;
}

describe('what a flow sends', () => {
  it('waits on the disk while the receiver is away, over a restart, and comes in order, once, with what was refused kept apart', async () => {
    const directory = temporaryDirectory();
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const before = await open({ type: 'http', url }, directory);
    await Promise.all(Array.from({ length: 50 }, (_, n) => before.put({ payload: { n } })));
    await eventually(() => before.status().problem !== undefined && before.status().depth === 50, 'it waits');
    expect(before.status()).toMatchObject({ up: false, delivered: 0, problem: expect.stringContaining(url) });
    await before.close();
    // One that is busy once, and one that is never taken.
    const server = await receiver(port, (n, times) => (n === 7 && times === 1 ? 503 : n === 9 ? 422 : 204));
    const after = await open({ type: 'http', url }, directory);
    await after.put({ payload: { n: 50 } });
    await eventually(() => server.bodies.length === 50, `${server.bodies.length} have come`);
    expect(server.bodies.map(({ n }) => n)).toEqual(Array.from({ length: 51 }, (_, n) => n).filter((n) => n !== 9));
    expect(new Set(server.keys).size).toBe(50);
    await eventually(() => after.status().depth === 0, 'nothing waits');
    expect(after.status()).toMatchObject({ rejected: 1, up: true, problem: undefined });
  });

  const killed = async (early: string[]): Promise<{ said: number[]; received: Set<number> }> => {
    const directory = temporaryDirectory();
    const port = await freePort();
    const said: number[] = [];
    for (let round = 0; round < 5; round++) {
      const first = said.length === 0 ? 0 : Math.max(...said) + 1000;
      // Every other one in the very moment after it said a number, the rest at any moment.
      const many = 60 + 13 * round;
      const itself = round % 2 === 1;
      const script = join(import.meta.dirname, 'support/outbox-child.ts');
      const args = [script, directory, `http://127.0.0.1:${port}`, String(first), itself ? String(many) : 'Infinity', ...early];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      let text = '';
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      const gone = new Promise((resolve) => child.once('close', resolve));
      if (!itself) {
        await eventually(() => text.split('\n').length > many, 'it says what it has kept');
        child.kill('SIGKILL');
      }
      await gone;
      said.push(...text.split('\n').slice(0, -1).map(Number));
    }
    const server = await receiver(port);
    const outbox = await open({ type: 'http', url: server.url }, directory);
    await outbox.put({ payload: { n: -1 } });
    await eventually(() => server.bodies.at(-1)?.n === -1, 'the last one', 60_000);
    return { said, received: new Set(server.bodies.map(({ n }) => n)) };
  };

  it('is not lost by kill -9 once it was taken', async () => {
    const { said, received } = await killed([]);
    expect(said.length).toBeGreaterThan(300);
    expect(said.filter((n) => !received.has(n))).toEqual([]);
  }, 90_000);

  it('is seen to be lost by one that says so too early', async () => {
    const { said, received } = await killed(['early']);
    expect(said.filter((n) => !received.has(n)).length).toBeGreaterThan(0);
  }, 90_000);

  it('reaches a broker with QoS 1, through an outage of it', async ({ skip }) => {
    const port = await freePort();
    const broker = (await startMosquitto({ port })) ?? skip();
    const outbox = await open({ type: 'mqtt', url: broker.url });
    const heard: string[] = [];
    const listen = async (): Promise<void> => {
      const client = await mqtt.connectAsync(broker.url);
      onTestFinished(() => client.endAsync(true));
      client.on('message', (topic, payload) => heard.push(`${topic} ${payload.toString()}`));
      await client.subscribeAsync('out/#', { qos: 1 });
    };
    await listen();
    await outbox.put({ topic: 'out/a', payload: { n: 1 } });
    await eventually(() => heard.length === 1, 'the first');
    await broker.dispose();
    await outbox.put({ topic: 'out/a', payload: 'two' });
    await eventually(() => outbox.status().problem !== undefined, 'it says that the broker is away');
    const again = (await startMosquitto({ port })) ?? skip();
    onTestFinished(() => again.dispose());
    await listen();
    await eventually(() => heard.length >= 2, 'the second');
    expect(heard).toEqual(['out/a {"n":1}', 'out/a two']);
    await outbox.put({ topic: 'out/#', payload: 3 });
    await eventually(() => outbox.status().rejected === 1, 'no topic');
  });

  it('is stored in InfluxDB, as lines, as objects, and with tags', async ({ skip }) => {
    const influxd = (await startInfluxd()) ?? skip();
    onTestFinished(() => influxd.dispose());
    const outbox = await open({ type: 'influxdb', url: influxd.url, database: 'flows' });
    await outbox.put({ topic: 'pump', payload: { flow: 4.5, on: true, word: 'a "b"', time: '2026-03-01T06:00:00Z' } });
    await outbox.put({ measurement: 'pump', payload: [{ flow: 5 }, { hall: 'north one' }] });
    await outbox.put({ payload: 'pump flow=6 1772345000000000000' });
    await expect(outbox.put({ payload: { flow: 1 } })).rejects.toThrow(/set msg.measurement or msg.topic/);
    await expect(outbox.put({ topic: 'pump', payload: { list: [] } })).rejects.toThrow(/no number, text or boolean/);
    await eventually(() => outbox.status().delivered === 3, JSON.stringify(outbox.status()));
    const { series } = await askInfluxdb(influxd.url, 'flows', 'SELECT flow FROM pump');
    expect(series.flatMap(({ rows }) => rows.map((row) => row[1])).sort()).toEqual([4.5, 5, 6]);
  });

  it('is refused where the target is none, in words', async () => {
    await expect(open({ type: 'http', url: 'plc' })).rejects.toThrow('url must be an address like https://host/path');
    await expect(open({ type: 'mqtt', url: 'http://x' })).rejects.toThrow('url must be an address like mqtt://host:1883');
    await expect(open({ type: 'influxdb', url: 'influx', database: 'a' })).rejects.toThrow(/^url /);
  });
});
