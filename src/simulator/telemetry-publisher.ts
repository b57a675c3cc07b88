import mqtt from 'mqtt';
import type { Machine } from './machine.ts';

export interface BrokerAddress {
  /** mqtt://broker:1883 */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
}

/** Unacknowledged messages that are kept at most; beyond them the broker is as good as away. */
const mostWaiting = 500;
const firstConnectMs = 2_000;

/** Publishes machines as an ESP32 or a line controller would: JSON with a time stamp on `plant/<area>/<machine>/telemetry`, QoS 1. */
export class TelemetryPublisher {
  readonly #machines: readonly Machine[];
  #client: mqtt.MqttClient | undefined;
  #waiting = 0;
  /** Messages that found no broker. */
  unpublished = 0;

  constructor(machines: readonly Machine[]) {
    this.#machines = machines;
  }

  /** `patient`: the broker may come later; else rejects where it cannot be reached. */
  async start({ url, ...login }: BrokerAddress, patient = false): Promise<void> {
    const options = { clientId: 'simulated-line2', reconnectPeriod: 500, ...login };
    if (patient) {
      const client = mqtt.connect(url, options);
      this.#client = client;
      // It says so itself by connecting again.
      client.on('error', () => {});
      // Of a broker that is there nothing is to be missed; of one that is not, the rest of the plant does not wait.
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, firstConnectMs);
        client.once('connect', () => {
          clearTimeout(timer);
          resolve();
        });
      });
    } else this.#client = await mqtt.connectAsync(url, options);
  }

  publish(wallMs: number): void {
    for (const machine of this.#machines) {
      if (this.#client?.connected !== true || this.#waiting >= mostWaiting) {
        this.unpublished++;
        continue;
      }
      const rounded = Object.fromEntries(Object.entries(machine.read()).map(([sensor, value]) => [sensor, Number(value.toPrecision(6))]));
      this.#waiting++;
      this.#client.publish(`plant/${machine.id}/telemetry`, JSON.stringify({ ts: wallMs, ...rounded }), { qos: 1 }, () => {
        this.#waiting--;
      });
    }
  }

  async stop(): Promise<void> {
    await this.#client?.endAsync(true);
    this.#client = undefined;
  }
}
