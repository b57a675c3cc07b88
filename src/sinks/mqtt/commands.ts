import type { IPublishPacket } from 'mqtt';
import type { Logger } from '../../core/logger.ts';
import type { Properties } from './link.ts';
import { schemaId } from './schemas.ts';
import type { Topics } from './topics.ts';

/** Answers a command; `document` is sent as JSON. Later calls do nothing. */
export type CommandReply = (document: object) => void;
/** Called for each command on `…/cmd/<verb>`; `payload` is its JSON, `{}` for an empty one. Must not throw. */
export type CommandHandler = (verb: string, payload: unknown, reply: CommandReply) => void;

export interface CommandAnswer {
  readonly topic: string;
  readonly payload: string;
  readonly properties: Properties;
}

const largestCommandBytes = 65_536;

/** Commands in, answers out: over response topic and correlation data (MQTT 5), else over `…/cmd/<verb>/response`. */
export class Commands {
  readonly #topics: Topics;
  readonly #log: Logger;
  readonly #answer: (answer: CommandAnswer) => void;
  handler: CommandHandler | undefined;
  received = 0;
  refused = 0;

  constructor(topics: Topics, log: Logger, answer: (answer: CommandAnswer) => void) {
    this.#topics = topics;
    this.#log = log;
    this.#answer = answer;
  }

  handle(topic: string, payload: Buffer, packet: IPublishPacket): void {
    const verb = this.#topics.verbOf(topic);
    if (verb === undefined || !this.handler) return;
    this.received++;
    const reply = this.#replyTo(verb, packet);
    const command = readCommand(payload, packet.retain);
    if ('problem' in command) {
      this.refused++;
      this.#log.warn({ verb }, `the command ${verb} was refused: ${command.problem}`);
      reply({ ok: false, error: { code: 'FETTLE_MQTT_PAYLOAD', message: command.problem } });
    } else this.handler(verb, command.value, withRequestId(command.value, reply));
  }

  #replyTo(verb: string, { properties }: IPublishPacket): CommandReply {
    const wanted = properties?.responseTopic;
    const topic = wanted !== undefined && this.#mayAnswerOn(wanted) ? wanted : this.#topics.response(verb);
    const correlation = properties?.correlationData;
    let answered = false;
    return (document) => {
      if (answered) return;
      answered = true;
      this.#answer({
        topic,
        payload: JSON.stringify(document),
        properties: {
          contentType: 'application/json',
          payloadFormatIndicator: true,
          userProperties: { schema: schemaId('answer') },
          ...(correlation !== undefined && { correlationData: correlation }),
        },
      });
    };
  }

  /** A caller must not make us write an alarm or a command of our own tree. */
  #mayAnswerOn(topic: string): boolean {
    if (topic === '' || /[+#\0]/.test(topic) || topic.startsWith('$')) return false;
    return !topic.startsWith(`${this.#topics.base}/`) || (topic.startsWith(`${this.#topics.base}/cmd/`) && topic.endsWith('/response'));
  }
}

function readCommand(payload: Buffer, retained: boolean): { value: unknown } | { problem: string } {
  // A retained command would be carried out at every connection, for ever.
  if (retained) return { problem: 'retained commands are not carried out' };
  if (payload.length > largestCommandBytes) return { problem: `larger than ${largestCommandBytes} bytes` };
  try {
    return { value: payload.length === 0 ? {} : JSON.parse(payload.toString()) };
  } catch (error) {
    return { problem: `not JSON: ${(error as Error).message}` };
  }
}

/** MQTT 3.1.1 has no correlation data: `request` of the command comes back in the answer. */
function withRequestId(command: unknown, reply: CommandReply): CommandReply {
  const request = typeof command === 'object' && command !== null && 'request' in command ? command.request : undefined;
  return request === undefined ? reply : (document) => reply({ request, ...document });
}
