import { seededRandom } from '../core/seeded-random.ts';
import { EmbeddedBroker } from './broker.ts';
import { DemoCloud } from './cloud.ts';
import type { Fault, FaultKind } from './fault.ts';
import { ModbusDevice } from './modbus-device.ts';
import { Plant } from './plant.ts';
import { TelemetryPublisher } from './telemetry-publisher.ts';

export interface DemoSiteOptions {
  readonly seed: number;
  /** Seconds the demo lasts; undefined: until it is stopped, with a new fault every minute or so. */
  readonly lastsS: number | undefined;
  readonly modbusPort?: number;
  readonly mqttPort?: number;
}

/** When the cloud cannot be reached, seconds since the start. */
export const outageS = { from: 12, to: 20 } as const;
/** The machines run well for this long, of which the first seconds fill the windows. */
const healthyS = 27;
const tickMs = 25;
const publishMs = 100;

const repertoire: readonly { readonly asset: string; readonly kind: FaultKind; readonly growthS: number }[] = [
  { asset: 'line1/pump', kind: 'cavitation', growthS: 1 },
  { asset: 'line1/compressor', kind: 'blockedFilter', growthS: 2.5 },
  { asset: 'line2/conveyor', kind: 'bearingWear', growthS: 3.5 },
  { asset: 'line2/oven', kind: 'stuckSensor', growthS: 0 },
];

/** The plant of the demo, served over real Modbus TCP and real MQTT, with a cloud that goes away for a while. Runs in real time. */
export class DemoSite {
  readonly plant: Plant;
  readonly broker = new EmbeddedBroker();
  readonly cloud = new DemoCloud();
  readonly device: ModbusDevice;
  readonly #publisher: TelemetryPublisher;
  readonly #options: DemoSiteOptions;
  readonly #random: () => number;
  #timer: NodeJS.Timeout | undefined;
  #nextPublishMs = 0;
  #nextFaultS: number;
  /** Wall time of the plant's second 0. */
  startedMs = 0;

  constructor(options: DemoSiteOptions) {
    this.#options = options;
    const random = seededRandom(options.seed + 77);
    this.#random = random;
    const faults: Fault[] = repertoire.map((fault) => ({ ...fault, onsetS: healthyS + 4 * random(), durationS: 9 + 2 * random() }));
    // The hall warms from the beginning to the end: no fault, and nothing may be raised for it.
    this.plant = new Plant({ seed: options.seed, faults, drift: { fromS: 5, toS: 55, by: 4 } });
    this.#nextFaultS = 90;
    const [pump, compressor, conveyor, oven] = this.plant.machines as [
      Plant['machines'][0],
      Plant['machines'][0],
      Plant['machines'][0],
      Plant['machines'][0],
    ];
    this.device = new ModbusDevice([
      {
        unit: 1,
        machine: pump,
        points: Object.keys(pump.sensors).map((sensor, i) => ({ sensor, table: 'holdingRegister', address: 100 + 4 * i, type: 'float32' })),
      },
      {
        unit: 2,
        machine: compressor,
        points: Object.keys(compressor.sensors).map((sensor, i) => ({
          sensor,
          table: 'inputRegister',
          address: 10 + i,
          type: 'int16',
          scale: 0.01,
        })),
      },
    ]);
    this.#publisher = new TelemetryPublisher([conveyor, oven]);
  }

  get faults(): readonly Fault[] {
    return this.plant.faults;
  }

  /** Opens the servers; the plant stands still until `run`. */
  async start(): Promise<void> {
    await this.broker.start(this.#options.mqttPort ?? 0);
    await this.device.start(this.#options.modbusPort ?? 0);
    await this.cloud.start();
    await this.#publisher.start(`mqtt://127.0.0.1:${this.broker.port}`);
  }

  run(): void {
    this.startedMs = Date.now();
    this.#nextPublishMs = Math.ceil(this.startedMs / publishMs) * publishMs;
    this.#timer = setInterval(() => this.#tick(), tickMs);
  }

  async stop(): Promise<void> {
    this.halt();
    await this.#publisher.stop();
    await this.device.stop();
    await this.broker.stop();
    await this.cloud.stop();
  }

  /** The plant stands still again; its servers go on answering. */
  halt(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    const nowMs = Date.now();
    const timeS = (nowMs - this.startedMs) / 1000;
    this.plant.advanceTo(timeS);
    this.device.refresh();
    this.cloud.reachable = timeS < outageS.from || timeS >= outageS.to;
    if (nowMs >= this.#nextPublishMs) {
      this.#publisher.publish(nowMs);
      this.#nextPublishMs = (Math.floor(nowMs / publishMs) + 1) * publishMs;
    }
    if (this.#options.lastsS === undefined && timeS >= this.#nextFaultS) {
      const choice = repertoire[Math.floor(this.#random() * repertoire.length)] as (typeof repertoire)[number];
      this.plant.add({ ...choice, onsetS: timeS, durationS: 10 + 5 * this.#random() });
      this.#nextFaultS = timeS + 40 + 30 * this.#random();
    }
  }

  /** The configuration of the gateway beside this plant: nothing but the ordinary keys. */
  configuration(data: string, models: string, listen = '127.0.0.1:0'): string {
    const channels = (asset: string): string[] => Object.keys(this.plant.machine(asset).sensors).map((sensor) => `${asset}/${sensor}`);
    const [pump, compressor] = ['line1/pump', 'line1/compressor'].map((id) => this.plant.machine(id).sensors) as [
      Record<string, string>,
      Record<string, string>,
    ];
    const units = ['line2/conveyor', 'line2/oven'].flatMap((id) =>
      Object.entries(this.plant.machine(id).sensors).map(([sensor, unit]) => [`${id}/${sensor}`, unit]),
    );
    const advice: Record<string, string> = {
      'line1/pump': 'Check suction pressure and strainer',
      'line1/compressor': 'Check the intake filter',
      'line2/conveyor': 'Check bearings and lubrication',
      'line2/oven': 'Check the thermocouples',
    };
    const document = {
      site: 'demo',
      data,
      log: { level: 'error' },
      server: { listen },
      sources: [
        {
          id: 'line1-plc',
          type: 'modbus',
          url: `tcp://127.0.0.1:${this.device.port}`,
          poll: '100ms',
          tags: [
            ...Object.entries(pump).map(([sensor, unit], i) => ({
              tag: `line1/pump/${sensor}`,
              table: 'holdingRegister',
              address: 100 + 4 * i,
              type: 'float32',
              order: 'CDAB',
              unit: 1,
              engineeringUnit: unit,
            })),
            ...Object.entries(compressor).map(([sensor, unit], i) => ({
              tag: `line1/compressor/${sensor}`,
              table: 'inputRegister',
              address: 10 + i,
              type: 'int16',
              scale: 0.01,
              unit: 2,
              engineeringUnit: unit,
            })),
          ],
        },
        {
          id: 'line2-sensors',
          type: 'mqtt',
          url: `mqtt://127.0.0.1:${this.broker.port}`,
          protocolVersion: 4,
          topics: ['line2/conveyor', 'line2/oven'].map((id) => ({
            topic: `plant/${id}/telemetry`,
            time: { path: '$.ts' },
            tags: Object.fromEntries(Object.keys(this.plant.machine(id).sensors).map((sensor) => [`${id}/${sensor}`, `$['${sensor}']`])),
          })),
        },
      ],
      tags: {
        ...Object.fromEntries(units.map(([tag, engineeringUnit]) => [tag as string, { engineeringUnit }])),
        'line2/oven/zone1-temp': { engineeringUnit: '°C', flatline: '3s', advice: 'The thermocouple does not move: check its wiring' },
      },
      assets: this.plant.machines.map(({ id }) => ({
        id,
        tags: channels(id),
        window: { step: '100ms', length: 32, slide: 4, allowedLateness: '200ms' },
        detector: { model: `${models}/${id.replace(/.*\//, '')}/1.0.0` },
        alarm: { onDelay: '800ms', offDelay: '1500ms', notWatchedAfter: '30s', advice: advice[id] },
      })),
      alerts: { url: `mqtt://127.0.0.1:${this.broker.port}`, protocolVersion: 4 },
      sinks: [
        {
          id: 'cloud',
          type: 'influxdb',
          url: `http://127.0.0.1:${this.cloud.port}`,
          database: 'demo',
          send: ['scores', 'alarms', 'samples'],
          createDatabase: false,
        },
      ],
    };
    return JSON.stringify(document, null, 2);
  }
}
