import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseConfig } from '../../src/config/load.ts';
import { silentLogger } from '../../src/core/logger.ts';
import type { SentSample } from '../../src/core/sent-sample.ts';
import { Gateway } from '../../src/gateway/gateway.ts';
import { LiveEvents } from '../../src/server/live-events.ts';
import { ApiServer } from '../../src/server/server.ts';
import { Plant } from '../../src/simulator/plant.ts';
import { answerWell, type RawDevice, startRawDevice } from '../support/modbus/raw-device.ts';

export const site = 'north.hall';
export const pump = 'line1/pump';
export const tank = 'line1/tank';
const stepMs = 100;
const historyRows = 1500;
/** Rows in which the flow is bad, and rows that are missing: in the history, and while somebody scrapes. */
const badRows = { from: 400, to: 430 };
const missingRows = [
  { from: 500, to: 560 },
  { from: historyRows + 25, to: historyRows + 50 },
];

/** The shipped model of the pump, its channels named as those of a model the gateway learns: by their tags. */
function modelWithTags(folder: string): string {
  const model = join(folder, 'pump');
  cpSync(join(import.meta.dirname, '../../models/pump/1.0.0'), model, { recursive: true });
  const path = join(model, 'manifest.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as { channels: { tag: string }[] };
  for (const channel of manifest.channels) channel.tag = `${pump}/${channel.tag}`;
  writeFileSync(path, JSON.stringify(manifest));
  return model;
}

export interface PlantOptions {
  /** Holds data and model. */
  readonly folder: string;
  /** Where the API listens. */
  readonly port: number;
  readonly sinks: readonly object[];
}

/**
 * A gateway with a pump (judged by a model; cavitates for a while, with bad samples and a hole) and a tank (watched by limits: an alarm
 * that ended, one that stands), that has taken in minutes of history.
 */
export class RunningPlant {
  readonly #plant = new Plant({ seed: 3, faults: [{ asset: pump, kind: 'cavitation', onsetS: 70, durationS: 30, growthS: 1 }] });
  readonly #fromMs = Date.now() - historyRows * stepMs;
  #row = 0;
  readonly gateway: Gateway;
  readonly server: ApiServer;

  readonly #device: RawDevice;

  private constructor(gateway: Gateway, server: ApiServer, device: RawDevice) {
    this.#device = device;
    this.gateway = gateway;
    this.server = server;
  }

  static async start({ folder, port, sinks }: PlantOptions): Promise<RunningPlant> {
    const { sensors } = new Plant({ seed: 3 }).machine(pump);
    const device = await startRawDevice(answerWell);
    const configuration = {
      site,
      data: join(folder, 'data'),
      sources: [
        {
          id: 'plc',
          type: 'http',
          tags: [
            ...Object.entries(sensors).map(([sensor, engineeringUnit]) => ({ tag: `${pump}/${sensor}`, engineeringUnit })),
            { tag: `${tank}/level`, engineeringUnit: '%' },
            { tag: `${tank}/pressure`, engineeringUnit: 'bar' },
          ],
        },
        // Belongs to no asset: there for what is polled.
        { id: 'meter', type: 'modbus', url: device.url, tags: [{ tag: 'hall/energy', reference: '40001', type: 'int16' }] },
      ],
      tags: {
        [`${pump}/flow`]: { badQuality: '1s' },
        [`${tank}/level`]: { limits: { hi: 90 } },
        [`${tank}/pressure`]: { limits: { hihi: 5 } },
      },
      assets: [
        {
          id: pump,
          tags: Object.keys(sensors).map((sensor) => `${pump}/${sensor}`),
          window: { step: `${stepMs}ms`, length: 32, slide: 4, allowedLateness: '0s' },
          detector: { model: modelWithTags(folder) },
        },
        { id: tank, tags: [`${tank}/level`, `${tank}/pressure`], window: { step: '1s', allowedLateness: '0s' } },
      ],
      sinks,
    };
    const live = new LiveEvents(silentLogger);
    const gateway = await Gateway.start(parseConfig(JSON.stringify(configuration), 'plant.yaml', {}), {
      log: silentLogger,
      listener: live,
    });
    const server = new ApiServer({ gateway }, { listen: `127.0.0.1:${port}`, data: configuration.data, log: silentLogger, live });
    await server.start();
    const running = new RunningPlant(gateway, server, device);
    while (running.#row < historyRows) await running.#push(historyRows / 10);
    return running;
  }

  /** Samples as they come, for so long. */
  async live(forMs: number): Promise<void> {
    const untilMs = Date.now() + forMs;
    while (Date.now() < untilMs) {
      await sleep(2 * stepMs);
      await this.#push(Math.max(0, Math.floor((Date.now() - this.#fromMs) / stepMs) - this.#row));
    }
  }

  async stop(): Promise<void> {
    await this.server.stop();
    await this.gateway.stop();
    await this.#device.close();
  }

  async #push(rows: number): Promise<void> {
    const samples: SentSample[] = [];
    for (const last = this.#row + rows; this.#row < last; this.#row++) samples.push(...this.#samplesOf(this.#row));
    if (samples.length > 0) await this.gateway.push('plc', samples, false);
  }

  #samplesOf(row: number): SentSample[] {
    this.#plant.advanceTo((row * stepMs) / 1000);
    if (missingRows.some(({ from, to }) => row >= from && row < to)) return [];
    const time = this.#fromMs + row * stepMs;
    const bad = row >= badRows.from && row < badRows.to;
    const samples: SentSample[] = Object.entries(this.#plant.machine(pump).read()).map(([sensor, value]) => ({
      tag: `${pump}/${sensor}`,
      value: bad && sensor === 'flow' ? null : value,
      time,
    }));
    if (row % 10 === 0) {
      samples.push({ tag: `${tank}/level`, value: row >= 600 && row < 900 ? 95 : 60, time });
      samples.push({ tag: `${tank}/pressure`, value: row >= 1000 ? 6 : 3, time });
    }
    return samples;
  }
}
