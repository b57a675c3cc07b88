import { Ajv2020 } from 'ajv/dist/2020.js';
import mqtt, { type IPublishPacket } from 'mqtt';
import { z } from 'zod';
import { commandVerbs } from '../../src/core/control-row.ts';
import { commandSchema } from '../../src/gateway/commands.ts';
import { type MessageKind, messageJsonSchemas, schemaId } from '../../src/sinks/mqtt/schemas.ts';

// Times carry a pattern beside their format.
const ajv = new Ajv2020({ validateFormats: false, strict: false, allErrors: true });
const validators = new Map(Object.entries(messageJsonSchemas()).map(([kind, schema]) => [kind as MessageKind, ajv.compile(schema)]));

const isCommand = ajv.compile(z.toJSONSchema(commandSchema, { io: 'input', unrepresentable: 'any' }));
const verbs: ReadonlySet<string> = new Set(commandVerbs);

const keptProblems = 5;

/** What a gateway says on a topic below `fettle/`; undefined for commands, which others give. */
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

/** What stands in `…/cmd/<verb>` and in its answer. */
export function commandOf(topic: string): { readonly verb: string; readonly isAnswer: boolean } | undefined {
  const [, , cmd, verb = '', ...rest] = topic.split('/');
  return cmd === 'cmd' && verbs.has(verb) ? { verb, isAnswer: rest.join('/') === 'response' } : undefined;
}

/** Holds commands and what becomes of them against the schema of commands: what it does not allow, no gateway may carry out. */
export class CommandWitness {
  readonly #given = new Map<string, { right: number; wrong: string | undefined }>();

  /** What is wrong with an answer; undefined for commands and for answers that fit. */
  hear(topic: string, payload: Buffer): string | undefined {
    const command = commandOf(topic);
    if (command === undefined) return undefined;
    const { verb, isAnswer } = command;
    const given = this.#given.get(verb) ?? { right: 0, wrong: undefined };
    this.#given.set(verb, given);
    const document = parsed(payload);
    if (!isAnswer) {
      if (isCommand(document)) given.right++;
      else given.wrong = payload.toString();
      return undefined;
    }
    const isDone = (document as { ok?: unknown } | undefined)?.ok === true;
    if (!isDone || given.wrong === undefined || given.right > 0) return undefined;
    return `${topic}: carried out, though its schema does not allow ${given.wrong}`;
  }
}

function parsed(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString());
  } catch {
    return undefined;
  }
}

/** Listens to everything a gateway says on a test's broker and holds it against the published schemas. */
export class MessageWitness {
  readonly #client: mqtt.MqttClient;
  readonly #problems: string[] = [];
  readonly #commands = new CommandWitness();

  /** Version 4 for a broker that speaks 3.1.1 only. */
  constructor(url: string, protocolVersion: 4 | 5 = 5) {
    this.#client = mqtt.connect(url, { protocolVersion, reconnectPeriod: 200, resubscribe: true });
    // A broker that lets nobody in is not witnessed.
    this.#client.on('error', () => {});
    this.#client.subscribe('fettle/#', { qos: 0 }, () => {});
    this.#client.on('message', (topic, payload, packet) => {
      const problem = problemOf(topic, payload, packet) ?? this.#commands.hear(topic, payload);
      if (problem !== undefined && this.#problems.length < keptProblems) this.#problems.push(problem);
    });
  }

  get problems(): readonly string[] {
    return this.#problems;
  }

  /** Ends listening. Throws an Error with the first messages that were not as published. */
  async end(): Promise<void> {
    await this.#client.endAsync(true);
    if (this.#problems.length > 0) throw new Error(`messages that their JSON Schema does not allow:\n${this.#problems.join('\n')}`);
  }
}
