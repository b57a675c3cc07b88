import mqtt from 'mqtt';
import type { Machine } from './machine.ts';

/** Publishes machines as an ESP32 or a line controller would: JSON with a time stamp on `plant/<area>/<machine>/telemetry`, QoS 1. */
export class TelemetryPublisher {
  readonly #machines: readonly Machine[];
  #client: mqtt.MqttClient | undefined;

  constructor(machines: readonly Machine[]) {
    this.#machines = machines;
  }

  async start(url: string): Promise<void> {
    this.#client = await mqtt.connectAsync(url, { clientId: 'simulated-line2', reconnectPeriod: 500 });
  }

  publish(wallMs: number): void {
    for (const machine of this.#machines) {
      const rounded = Object.fromEntries(Object.entries(machine.read()).map(([sensor, value]) => [sensor, Number(value.toPrecision(6))]));
      this.#client?.publish(`plant/${machine.id}/telemetry`, JSON.stringify({ ts: wallMs, ...rounded }), { qos: 1 });
    }
  }

  async stop(): Promise<void> {
    await this.#client?.endAsync(true);
    this.#client = undefined;
  }
}
