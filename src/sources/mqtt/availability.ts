import type { TopicConfig } from './config.ts';
import { compileJsonPath } from './json-path.ts';
import { compileTopicTemplate, type TopicTemplate } from './topic-template.ts';

type AvailabilityConfig = NonNullable<TopicConfig['availability']>;

/** Where the clients behind a topic say that they are there, and their last wills that they are not. */
export class Availability {
  readonly template: TopicTemplate;
  readonly #word: (payload: string) => unknown;
  readonly #config: AvailabilityConfig;

  constructor(config: AvailabilityConfig) {
    this.#config = config;
    this.template = compileTopicTemplate(config.topic);
    const { path } = config;
    const get = path === undefined ? undefined : compileJsonPath(path);
    this.#word = get === undefined ? (payload) => payload.trim() : (payload) => parsed(payload, get);
  }

  /** Whether the client is there; null where the message takes back what was said, a word for what the payload is when it is neither. */
  read(payload: string): boolean | null | string {
    const { online, offline } = this.#config;
    if (payload === '') return null;
    const word = this.#word(payload);
    const text = typeof word === 'string' ? word : JSON.stringify(word);
    if (text === online) return true;
    if (text === offline) return false;
    return `availability is ${JSON.stringify(text ?? payload.slice(0, 40))}, neither ${JSON.stringify(online)} nor ${JSON.stringify(offline)}`;
  }
}

function parsed(payload: string, get: (document: unknown) => unknown): unknown {
  try {
    return get(JSON.parse(payload));
  } catch {
    return undefined;
  }
}
