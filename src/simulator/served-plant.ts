import type { FaultKind } from './fault.ts';
import { ModbusDevice } from './modbus-device.ts';
import { Plant, type PlantOptions } from './plant.ts';
import { type BrokerAddress, TelemetryPublisher } from './telemetry-publisher.ts';

/** What can happen to which machine. */
export const repertoire: readonly { readonly asset: string; readonly kind: FaultKind; readonly growthS: number }[] = [
  { asset: 'line1/pump', kind: 'cavitation', growthS: 1 },
  { asset: 'line1/compressor', kind: 'blockedFilter', growthS: 2.5 },
  { asset: 'line2/conveyor', kind: 'bearingWear', growthS: 3.5 },
  { asset: 'line2/oven', kind: 'stuckSensor', growthS: 0 },
];

const tickMs = 25;
const publishMs = 100;
const advice: Readonly<Record<string, string>> = {
  'line1/pump': 'Check suction pressure and strainer',
  'line1/compressor': 'Check the intake filter',
  'line2/conveyor': 'Check bearings and lubrication',
  'line2/oven': 'Check the thermocouples',
};

export interface PlantAddresses {
  /** tcp://plant:1502 */
  readonly modbus: string;
  readonly mqtt: BrokerAddress;
}

/** A simulated plant over real Modbus TCP (line 1) and real MQTT (line 2), in real time. */
export class ServedPlant {
  readonly plant: Plant;
  readonly device: ModbusDevice;
  readonly #publisher: TelemetryPublisher;
  #timer: NodeJS.Timeout | undefined;
  #nextPublishMs = 0;
  /** Wall time of the plant's second 0. */
  startedMs = 0;
  /** Called after each step, with the seconds since the start. */
  onStep: (timeS: number) => void = () => {};

  constructor(options: PlantOptions) {
    this.plant = new Plant(options);
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

  /** Messages that found no broker. */
  get unpublished(): number {
    return this.#publisher.unpublished;
  }

  /** Opens the device and connects to the broker; the plant stands still until `run`. With `patient` a broker may come later. */
  async start(modbus: { readonly host?: string; readonly port: number }, mqtt: BrokerAddress, patient = false): Promise<void> {
    await this.device.start(modbus.port, modbus.host);
    await this.#publisher.start(mqtt, patient);
  }

  run(): void {
    this.startedMs = Date.now();
    this.#nextPublishMs = Math.ceil(this.startedMs / publishMs) * publishMs;
    this.#timer = setInterval(() => this.#step(), tickMs);
  }

  /** The plant stands still again; its servers go on answering. */
  halt(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async stop(): Promise<void> {
    this.halt();
    await this.#publisher.stop();
    await this.device.stop();
  }

  #step(): void {
    const nowMs = Date.now();
    const timeS = (nowMs - this.startedMs) / 1000;
    this.plant.advanceTo(timeS);
    this.device.refresh();
    if (nowMs >= this.#nextPublishMs) {
      this.#publisher.publish(nowMs);
      this.#nextPublishMs = (Math.floor(nowMs / publishMs) + 1) * publishMs;
    }
    this.onStep(timeS);
  }

  /** Sources, tags and assets of a gateway that watches this plant: nothing but the ordinary keys. `models`: folder of the shipped models. */
  configuration({ modbus, mqtt }: PlantAddresses, models: string): { sources: object[]; tags: object; assets: object[] } {
    const sensorsOf = (id: string): [sensor: string, unit: string][] => Object.entries(this.plant.machine(id).sensors);
    return {
      sources: [
        {
          id: 'line1-plc',
          type: 'modbus',
          url: modbus,
          poll: '100ms',
          tags: [
            ...sensorsOf('line1/pump').map(([sensor, engineeringUnit], i) => ({
              tag: `line1/pump/${sensor}`,
              table: 'holdingRegister',
              address: 100 + 4 * i,
              type: 'float32',
              order: 'CDAB',
              unit: 1,
              engineeringUnit,
            })),
            ...sensorsOf('line1/compressor').map(([sensor, engineeringUnit], i) => ({
              tag: `line1/compressor/${sensor}`,
              table: 'inputRegister',
              address: 10 + i,
              type: 'int16',
              scale: 0.01,
              unit: 2,
              engineeringUnit,
            })),
          ],
        },
        {
          id: 'line2-sensors',
          type: 'mqtt',
          ...mqtt,
          protocolVersion: 4,
          topics: ['line2/conveyor', 'line2/oven'].map((id) => ({
            topic: `plant/${id}/telemetry`,
            time: { path: '$.ts' },
            tags: Object.fromEntries(sensorsOf(id).map(([sensor]) => [`${id}/${sensor}`, `$['${sensor}']`])),
          })),
        },
      ],
      tags: {
        ...Object.fromEntries(
          ['line2/conveyor', 'line2/oven'].flatMap((id) =>
            sensorsOf(id).map(([sensor, engineeringUnit]) => [`${id}/${sensor}`, { engineeringUnit }]),
          ),
        ),
        'line2/oven/zone1-temp': { engineeringUnit: '°C', flatline: '3s', advice: 'The thermocouple does not move: check its wiring' },
      },
      assets: this.plant.machines.map(({ id, sensors }) => ({
        id,
        tags: Object.keys(sensors).map((sensor) => `${id}/${sensor}`),
        window: { step: '100ms', length: 32, slide: 4, allowedLateness: '200ms' },
        detector: { model: `${models}/${id.replace(/.*\//, '')}/1.0.0` },
        alarm: { onDelay: '800ms', offDelay: '1500ms', notWatchedAfter: '30s', advice: advice[id] },
      })),
    };
  }
}
