import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { stringify } from 'yaml';
import { formatDuration, parseDurationMs } from '../core/duration.ts';
import { seededRandom } from '../core/seeded-random.ts';
import { EmbeddedBroker } from '../simulator/broker.ts';
import type { Fault } from '../simulator/fault.ts';
import { repertoire, ServedPlant } from '../simulator/served-plant.ts';
import type { BrokerAddress } from '../simulator/telemetry-publisher.ts';

interface Place {
  readonly host: string;
  readonly port: number;
}

interface PlantArguments {
  readonly modbus: Place;
  readonly mqtt?: string;
  readonly broker: Place;
  readonly mqttUser?: string;
  readonly mqttPasswordFile?: string;
  readonly seed: number;
  readonly firstFault: number;
  readonly faultEvery: number;
  readonly faultFor: number;
  readonly json?: boolean;
  readonly configuration?: boolean;
}

const place = (text: string): Place => {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || Number(port) > 65_535) throw new InvalidArgumentError('must be host:port');
  return { host, port: Number(port) };
};
const duration = (text: string): number => {
  const ms = parseDurationMs(text);
  if (ms === undefined || ms < 1000) throw new InvalidArgumentError('must be a duration of at least 1s, like 90s or 5m');
  return ms;
};
const whole = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('must be a whole number');
  return value;
};

export const plantCommand = (): Command =>
  new Command('plant')
    .description('A simulated plant for a gateway elsewhere to watch: two machines over Modbus TCP, two over MQTT; faults come and heal')
    .option('--modbus <host:port>', 'where the Modbus TCP device listens', place, { host: '127.0.0.1', port: 1502 })
    .option('--mqtt <url>', 'broker to publish to, as in mqtt://broker:1883; one of its own when absent')
    .option('--broker <host:port>', 'where its own broker listens', place, { host: '127.0.0.1', port: 1883 })
    .option('--mqtt-user <name>', 'user at the broker; the password comes from --mqtt-password-file or FETTLE_PLANT_MQTT_PASSWORD')
    .option('--mqtt-password-file <file>', 'file with the password')
    .option('--seed <number>', 'seed of noise and faults', whole, Math.floor(Date.now() / 1000) % 100_000)
    .option('--first-fault <duration>', 'when the first fault comes', duration, 60_000)
    .option('--fault-every <duration>', 'from one fault to the next, give or take a third', duration, 300_000)
    .option('--fault-for <duration>', 'how long a fault lasts', duration, 20_000)
    .option('--json', 'a JSON line for each fault')
    .option('--configuration', 'print the fettle.yaml that watches it, and end')
    .action(runPlant);

async function runPlant(options: PlantArguments): Promise<void> {
  const { modbus, broker: ownPlace, seed, json = false } = options;
  const served = new ServedPlant({ seed });
  const mqtt = brokerOf(options);
  if (options.configuration === true) {
    process.stdout.write(configurationText(served, options, mqtt));
    return;
  }
  const broker = options.mqtt === undefined ? new EmbeddedBroker() : undefined;
  const stopped = new Promise<void>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => resolve());
  });
  const say = (text: string, facts: object): void =>
    void process.stdout.write(
      json ? `${JSON.stringify({ time: new Date().toISOString(), ...facts })}\n` : `${new Date().toISOString()}  ${text}\n`,
    );
  try {
    await broker?.start(ownPlace.port, ownPlace.host);
    await served.start(modbus, broker === undefined ? mqtt : { url: `mqtt://${ownPlace.host}:${broker.port}` }, options.mqtt !== undefined);
    served.onStep = faultsOf(served, options, say);
    served.run();
    say(`the plant runs: Modbus TCP on ${modbus.host}:${served.device.port}, MQTT on ${mqtt.url} (plant/#), seed ${seed}`, {
      event: 'running',
      modbus: `${modbus.host}:${served.device.port}`,
      mqtt: mqtt.url,
      seed,
    });
    await stopped;
    say('stopped', { event: 'stopped', unpublished: served.unpublished });
  } finally {
    await served.stop();
    await broker?.stop();
  }
}

function brokerOf({ mqtt, broker, mqttUser, mqttPasswordFile }: PlantArguments): BrokerAddress {
  const password = mqttPasswordFile === undefined ? process.env.FETTLE_PLANT_MQTT_PASSWORD : readFileSync(mqttPasswordFile, 'utf8').trim();
  return {
    url: mqtt ?? `mqtt://${broker.host}:${broker.port}`,
    ...(mqttUser !== undefined && { username: mqttUser }),
    ...(mqttUser !== undefined && password !== undefined && { password }),
  };
}

/** Lets faults come, one at a time, and says when each begins and ends. */
function faultsOf(
  { plant }: ServedPlant,
  { seed, firstFault, faultEvery, faultFor }: PlantArguments,
  say: (text: string, facts: object) => void,
): (timeS: number) => void {
  const random = seededRandom(seed + 177);
  let nextS = firstFault / 1000;
  let current: Fault | undefined;
  return (timeS) => {
    if (current !== undefined && timeS >= current.onsetS + current.durationS) {
      say(`${current.asset}: ${current.kind} is mended`, { event: 'mended', asset: current.asset, kind: current.kind });
      current = undefined;
    }
    if (timeS < nextS || current !== undefined) return;
    const choice = repertoire[Math.floor(random() * repertoire.length)] as (typeof repertoire)[number];
    current = { ...choice, onsetS: timeS, durationS: faultFor / 1000 };
    plant.add(current);
    nextS = timeS + (faultEvery / 1000) * (2 / 3 + (2 / 3) * random());
    const { asset, kind } = current;
    say(`${asset}: ${kind} begins, for ${formatDuration(faultFor)}`, { event: 'fault', asset, kind, lastsMs: faultFor });
  };
}

/** What there is to write into fettle.yaml: the password stays where it is. */
function configurationText(served: ServedPlant, { modbus, mqttUser }: PlantArguments, { url }: BrokerAddress): string {
  const login = mqttUser === undefined ? {} : { username: mqttUser, password: '${env:FETTLE_PLANT_MQTT_PASSWORD}' };
  const mqtt = { url, ...login };
  const models = join(fileURLToPath(new URL('../..', import.meta.url)), 'models');
  const document = {
    site: 'plant',
    data: './data',
    ...served.configuration({ modbus: `tcp://${modbus.host}:${modbus.port}`, mqtt }, models),
    alerts: mqtt,
  };
  return `# The simulated plant (fettle plant), watched. Try it: fettle check, then fettle run\n${stringify(document, { lineWidth: 140 })}`;
}
