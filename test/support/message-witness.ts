import { Ajv2020 } from 'ajv/dist/2020.js';
import mqtt, { type IPublishPacket } from 'mqtt';
import { type MessageKind, messageJsonSchemas, schemaId } from '../../src/sinks/mqtt/schemas.ts';

// Times carry a pattern beside their format.
const ajv = new Ajv2020({ validateFormats: false, strict: false, allErrors: true });
const validators = new Map(Object.entries(messageJsonSchemas()).map(([kind, schema]) => [kind as MessageKind, ajv.compile(schema)]));

const keptProblems = 5;

/** What a topic below `fettle/` carries; undefined for commands, which are not ours. */
export function kindOf(topic: string): MessageKind | undefined {
  const levels = topic.split('/');
  const last = levels.at(-1);
  if (levels[2] === 'cmd') return last === 'response' ? 'answer' : undefined;
  if (levels.length === 3) return last === 'status' || last === 'describe' ? last : undefined;
  if (last === 'alarm') return 'state';
  if (last === 'event') return 'event';
  return last === 'score' ? 'score' : undefined;
}

/** What is wrong with a message by its published JSON Schema; undefined where nothing is. */
export function problemOf(topic: string, payload: Buffer, packet: Pick<IPublishPacket, 'properties'>): string | undefined {
  const kind = kindOf(topic);
  // A state is taken away by an empty payload.
  if (kind === undefined || (kind === 'state' && payload.length === 0)) return undefined;
  const declared = packet.properties?.userProperties?.schema;
  if (declared !== undefined && declared !== schemaId(kind)) return `${topic} says it is ${String(declared)}`;
  const valid = validators.get(kind);
  try {
    if (valid?.(JSON.parse(payload.toString())) === true) return undefined;
  } catch (error) {
    return `${topic}: ${String(error)}: ${payload}`;
  }
  return `${topic}: ${ajv.errorsText(valid?.errors)}: ${payload}`;
}

/** Listens to everything a gateway says on a test's broker and holds it against the published schemas. */
export class MessageWitness {
  readonly #client: mqtt.MqttClient;
  readonly #problems: string[] = [];

  constructor(url: string) {
    this.#client = mqtt.connect(url, { protocolVersion: 5, reconnectPeriod: 200, resubscribe: true });
    // A broker that lets nobody in is not witnessed.
    this.#client.on('error', () => {});
    this.#client.subscribe('fettle/#', { qos: 0 }, () => {});
    this.#client.on('message', (topic, payload, packet) => {
      const problem = problemOf(topic, payload, packet);
      if (problem !== undefined && this.#problems.length < keptProblems) this.#problems.push(problem);
    });
  }

  /** Ends listening. Throws an Error with the first messages that were not as published. */
  async end(): Promise<void> {
    await this.#client.endAsync(true);
    if (this.#problems.length > 0) throw new Error(`messages that their JSON Schema does not allow:\n${this.#problems.join('\n')}`);
  }
}
