import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trainBundle } from '../../src/learning/train.ts';
import { DemoCloud } from '../../src/simulator/cloud.ts';
import { type Mosquitto, startMosquitto } from '../../test/support/mosquitto.ts';
import type { FlowSettings, FlowWork } from './node-red-flow.ts';
import { channels, Publisher, stepMs, topics } from './publisher.ts';
import { Subject } from './subject.ts';

export const windowLength = 32;
export const windowSlide = 16;

/** Broker, model, receiver of the sync and scratch space of one benchmark run. */
export class BenchSite {
  readonly mosquitto: Mosquitto;
  readonly directory: string;
  readonly #cloud: DemoCloud;
  #subjects = 0;

  private constructor(mosquitto: Mosquitto, directory: string, cloud: DemoCloud) {
    this.mosquitto = mosquitto;
    this.directory = directory;
    this.#cloud = cloud;
  }

  static async start(): Promise<BenchSite | undefined> {
    const mosquitto = await startMosquitto({ config: ['max_inflight_messages 1000', 'max_queued_messages 0', 'max_queued_bytes 0'] });
    if (mosquitto === undefined) return undefined;
    const directory = mkdtempSync(join(tmpdir(), 'fettle-bench-'));
    const cloud = new DemoCloud();
    await cloud.start();
    const site = new BenchSite(mosquitto, directory, cloud);
    await site.#train();
    return site;
  }

  get model(): string {
    return join(this.directory, 'bench', '1.0.0');
  }

  get port(): number {
    return this.mosquitto.port;
  }

  /** The gateway with everything on: journal, windows of 32 × 4 every 16 rows, INT8 scoring, alarms, outbox to an HTTP receiver. */
  configuration({ qos = 0, values = 1, more = {} }: { qos?: 0 | 1; values?: number; more?: object } = {}): object {
    const path = (channel: string): string => (values === 1 ? `$.${channel}` : `$.${channel}[*]`);
    return {
      site: 'bench',
      data: join(this.directory, `data${this.#subjects++}`),
      log: { level: 'error' },
      server: { listen: '127.0.0.1:0' },
      sources: [
        {
          id: 'load',
          type: 'mqtt',
          url: this.mosquitto.url,
          qos,
          cleanSession: true,
          topics: [
            {
              topic: 'bench/{asset}/telemetry',
              time: { path: '$.ts', interval: '1ms' },
              tags: Object.fromEntries(channels.map((channel) => [`{asset}/${channel}`, path(channel)])),
            },
          ],
        },
      ],
      assets: Array.from({ length: topics }, (_, i) => ({
        id: `a${i}`,
        tags: channels.map((channel) => `a${i}/${channel}`),
        window: { step: `${stepMs}ms`, length: windowLength, slide: windowSlide, allowedLateness: '0s' },
        detector: { model: this.model },
        alarm: { notWatchedAfter: '1d' },
      })),
      alerts: { url: this.mosquitto.url },
      sinks: [
        {
          id: 'cloud',
          type: 'influxdb',
          url: `http://127.0.0.1:${this.#cloud.port}`,
          database: 'bench',
          send: ['scores', 'alarms'],
          createDatabase: false,
        },
      ],
      ...more,
    };
  }

  /** Data directory of the gateway that was started last. */
  get lastData(): string {
    return join(this.directory, `data${this.#subjects - 1}`);
  }

  /** `learning`: learns one day after the other beside its work; `dashboards`: serves the dashboard too. */
  gateway(
    {
      learning = false,
      dashboards = false,
      ...options
    }: Parameters<BenchSite['configuration']>[0] & { learning?: boolean; dashboards?: boolean } = {},
    environment: NodeJS.ProcessEnv = {},
  ): Promise<Subject> {
    return Subject.start(
      'subject-gateway',
      { config: this.configuration(options), samplesPerMessage: channels.length * (options.values ?? 1), learning, dashboards },
      environment,
    );
  }

  bare(qos: 0 | 1 = 0): Promise<Subject> {
    return Subject.start('subject-bare', { url: this.mosquitto.url, qos });
  }

  /** Node-RED with the same windows, judged by `work`. Without inference: the signals stay below a deviation of 2, the publisher's spikes reach 30. */
  nodeRed(work: FlowWork = { kind: 'function', windowsToo: true }, more: Partial<FlowSettings> = {}): Promise<Subject> {
    const flow: FlowSettings = {
      work,
      url: this.mosquitto.url,
      topic: 'bench/+/telemetry',
      channels,
      stepMs,
      length: windowLength,
      slide: windowSlide,
      limit: 10,
      ...more,
    };
    return Subject.start('subject-node-red', flow);
  }

  async dispose(): Promise<void> {
    await this.#cloud.stop();
    await this.mosquitto.dispose();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Learns from the very signals the publisher makes, of topics and rows that are not measured. */
  async #train(): Promise<void> {
    const source = await Publisher.connect(this.port, { root: 'training' });
    const lines = [`time,${channels.join(',')}`];
    for (let row = 0; row < 6000; row++) {
      const { ts, ...values } = JSON.parse(source.payload(row % 7, row)) as Record<string, number>;
      lines.push([ts, ...channels.map((channel) => values[channel])].join(','));
    }
    await source.close();
    const csv = join(this.directory, 'training.csv');
    writeFileSync(csv, lines.join('\n'));
    await trainBundle({
      csv: [csv],
      time: 'time',
      ignore: [],
      stepMs,
      length: windowLength,
      slide: windowSlide,
      out: this.model,
      precision: 'int8',
      seed: 1,
    });
  }
}
