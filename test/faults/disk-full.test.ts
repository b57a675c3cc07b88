import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import mqtt from 'mqtt';
import { expect, it, onTestFinished } from 'vitest';
import type { ControlRow } from '../../src/core/control-row.ts';
import { readSegment } from '../../src/journal/segment.ts';
import { JournalStore } from '../../src/journal/store.ts';
import { eventually } from '../support/eventually.ts';
import { FaultyDisk } from '../support/faulty-disk/faulty-disk.ts';
import { startMosquitto } from '../support/mosquitto.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const rows = 60;
const stepMs = 100;

/** Samples before, during and after a time without room on the disk; during it the value goes over its limit and comes back. */
it.for(['acknowledge', 'hold'] as const)(
  'a full disk stops neither scoring nor alarms, and is over without a restart (%s)',
  { timeout: 60_000 },
  async (policy, context) => {
    const mosquitto = (await startMosquitto({ config: ['max_inflight_messages 1000', 'persistence true'] })) ?? context.skip();
    onTestFinished(() => mosquitto.dispose());
    const directory = temporaryDirectory();
    const data = join(directory, 'data');
    mkdirSync(data);
    const disk = new FaultyDisk(data, directory);
    const baseMs = Math.floor(Date.now() / 1000) * 1000 - 600_000;
    const file = join(directory, 'fettle.yaml');
    const configuration = {
      site: 'north',
      data,
      journal: { onDiskFull: policy },
      sources: [
        {
          id: 'm',
          type: 'mqtt',
          url: mosquitto.url,
          topics: [{ topic: 'plant/{m}', time: { path: '$.ts' }, tags: { '{m}/flow': '$.flow' } }],
        },
      ],
      tags: { 'pump/flow': { limits: { hi: 10 } } },
      assets: [
        {
          id: 'pump',
          tags: ['pump/flow'],
          window: { step: `${stepMs}ms`, length: 4, slide: 2, allowedLateness: '0s' },
          alarm: { notWatchedAfter: '1d' },
        },
      ],
      alerts: { url: mosquitto.url },
    };
    writeFileSync(file, JSON.stringify(configuration));
    const child = spawn(process.execPath, [join(import.meta.dirname, 'gateway-child.ts'), file], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, ...disk.environment() },
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    await pause(500);
    const events: string[] = [];
    const plant = await mqtt.connectAsync(mosquitto.url, { protocolVersion: 5 });
    onTestFinished(() => plant.endAsync(true));
    plant.on('message', (_, payload) => events.push((JSON.parse(payload.toString()) as { to: string }).to));
    await plant.subscribeAsync('fettle/north/pump/alarm/event', { qos: 1 });
    let row = 0;
    const publish = async (flow: number): Promise<void> => {
      for (let i = 0; i < rows; i++)
        await plant.publishAsync('plant/pump', JSON.stringify({ ts: baseMs + row++ * stepMs, flow }), { qos: 1 });
      await pause(300);
    };
    await publish(5);
    disk.setFull(true);
    await publish(12);
    await eventually(() => events.includes('unacknowledged'), 'an alert while the disk is full');
    await publish(5);
    await eventually(() => events.includes('normal'), 'its end while the disk is full');
    disk.setFull(false);
    await pause(2500);
    await publish(6);
    await pause(1500);
    child.kill('SIGTERM');
    await once(child, 'exit');

    const store = new JournalStore({ directory: data, maxBytes: 1e12, maxAgeMs: 1e15 });
    const kept = new Set<number>();
    const gaps: ControlRow[] = [];
    for (const { data: segment } of store.segments(0, 1e12)) {
      for (const entry of readSegment(segment)) {
        if (entry.kind === 'samples') for (const timeMs of entry.block.timeMs) kept.add(timeMs);
        else if (entry.row.kind === 'gap') gaps.push(entry.row);
      }
    }
    const transitions = store.query('SELECT id FROM transitions', []);
    store.close();
    expect(transitions).toHaveLength(2);
    if (policy === 'hold') {
      // Nothing was acknowledged that was not kept: all of it is there.
      expect(kept.size).toBe(row);
      expect(gaps).toEqual([]);
    } else {
      const missing = row - kept.size;
      expect(missing).toBeGreaterThan(0);
      expect(gaps.reduce((sum, gap) => sum + (gap.kind === 'gap' ? gap.samples : 0), 0)).toBe(missing);
    }
  },
);
