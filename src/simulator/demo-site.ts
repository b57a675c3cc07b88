import { seededRandom } from '../core/seeded-random.ts';
import { EmbeddedBroker } from './broker.ts';
import { DemoCloud } from './cloud.ts';
import type { Fault } from './fault.ts';
import { repertoire, ServedPlant } from './served-plant.ts';

export interface DemoSiteOptions {
  readonly seed: number;
  /** Seconds the demo lasts; undefined: until it is stopped, with a new fault every minute or so. */
  readonly lastsS: number | undefined;
  /** False: no fault and no outage comes by itself, whoever runs it adds them. */
  readonly scripted?: boolean;
  readonly modbusPort?: number;
  readonly mqttPort?: number;
}

/** When the cloud cannot be reached, seconds since the start. */
export const outageS = { from: 12, to: 20 } as const;
/** The machines run well for this long, of which the first seconds fill the windows. */
const healthyS = 27;

/** The plant of the demo with a broker of its own and a cloud that goes away for a while. Runs in real time. */
export class DemoSite {
  readonly broker = new EmbeddedBroker();
  readonly cloud = new DemoCloud();
  readonly #served: ServedPlant;
  readonly #options: DemoSiteOptions;
  readonly #random: () => number;
  #nextFaultS = 90;

  constructor(options: DemoSiteOptions) {
    this.#options = options;
    const random = seededRandom(options.seed + 77);
    this.#random = random;
    const own: Fault[] = repertoire.map((fault) => ({ ...fault, onsetS: healthyS + 4 * random(), durationS: 9 + 2 * random() }));
    const faults = options.scripted === false ? [] : own;
    // The hall warms from the beginning to the end: no fault, and nothing may be raised for it.
    this.#served = new ServedPlant({ seed: options.seed, faults, drift: { fromS: 5, toS: 55, by: 4 } });
    this.#served.onStep = (timeS) => this.#step(timeS);
  }

  get plant(): ServedPlant['plant'] {
    return this.#served.plant;
  }

  get device(): ServedPlant['device'] {
    return this.#served.device;
  }

  get faults(): readonly Fault[] {
    return this.plant.faults;
  }

  /** Wall time of the plant's second 0. */
  get startedMs(): number {
    return this.#served.startedMs;
  }

  /** Opens the servers; the plant stands still until `run`. */
  async start(): Promise<void> {
    await this.broker.start(this.#options.mqttPort ?? 0);
    await this.cloud.start();
    await this.#served.start({ port: this.#options.modbusPort ?? 0 }, { url: this.#brokerUrl });
  }

  run(): void {
    this.#served.run();
  }

  async stop(): Promise<void> {
    await this.#served.stop();
    await this.broker.stop();
    await this.cloud.stop();
  }

  /** The plant stands still again; its servers go on answering. */
  halt(): void {
    this.#served.halt();
  }

  get #brokerUrl(): string {
    return `mqtt://127.0.0.1:${this.broker.port}`;
  }

  #step(timeS: number): void {
    if (this.#options.scripted === false) return;
    this.cloud.reachable = timeS < outageS.from || timeS >= outageS.to;
    if (this.#options.lastsS === undefined && timeS >= this.#nextFaultS) {
      const choice = repertoire[Math.floor(this.#random() * repertoire.length)] as (typeof repertoire)[number];
      this.plant.add({ ...choice, onsetS: timeS, durationS: 10 + 5 * this.#random() });
      this.#nextFaultS = timeS + 40 + 30 * this.#random();
    }
  }

  /** The configuration of the gateway beside this plant. */
  configuration(data: string, models: string, listen = '127.0.0.1:0'): string {
    const watched = this.#served.configuration({ modbus: `tcp://127.0.0.1:${this.device.port}`, mqtt: { url: this.#brokerUrl } }, models);
    const document = {
      site: 'demo',
      data,
      log: { level: 'error' },
      server: { listen },
      ...watched,
      alerts: { url: this.#brokerUrl, protocolVersion: 4 },
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
