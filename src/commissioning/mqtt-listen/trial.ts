import { Interner } from '../../core/interner.ts';
import type { SampleInlet } from '../../core/source.ts';
import { mqttSourceSchema } from '../../sources/mqtt/config.ts';
import { TopicRule } from '../../sources/mqtt/topic-reader.ts';
import type { HeardTopics } from './heard-topics.ts';

/** What came of reading the last message of each topic as proposed. */
export interface Trial {
  readonly messages: number;
  readonly samples: number;
  readonly problems: readonly { readonly topic: string; readonly reason: string }[];
}

const mostProblems = 10;

/** Reads what was heard with the readers of the source. `topics`: as in the configuration. */
export function tryOut(topics: readonly object[], heard: HeardTopics): Trial {
  if (topics.length === 0) return { messages: 0, samples: 0, problems: [] };
  const parsed = mqttSourceSchema.safeParse({ id: 'trial', type: 'mqtt', url: 'mqtt://trial', topics });
  if (parsed.data === undefined) return { messages: 0, samples: 0, problems: [{ topic: '', reason: parsed.error.message }] };
  const rules = parsed.data.topics.map((topic) => new TopicRule(topic));
  const tags = new Interner(100_000);
  let samples = 0;
  let messages = 0;
  const inlet = { append: () => void samples++ } as unknown as SampleInlet;
  const problems: { topic: string; reason: string }[] = [];
  for (const { topic, example, exampleMs } of heard.topics.values()) {
    if (example === undefined) continue;
    for (const rule of rules) {
      const reader = rule.readerOf(topic, { tags });
      if (reader === undefined) continue;
      messages++;
      const rejection = reader.read({ buffer: example, start: 0, end: example.length, arrivalMs: exampleMs, retained: false }, inlet);
      if (rejection !== undefined && problems.length < mostProblems) problems.push({ topic, reason: rejection.reason });
    }
  }
  return { messages, samples, problems };
}
