import type { Node, NodeAPI } from 'node-red';
import { evaluate } from './evaluate.ts';
import type { Message } from './on-input.ts';

/** More machines than this in one node are taken for a topic that never repeats. */
export const mostMachines = 1_000;

/**
 * Which machine a message is of: a name (`str`), the part of its topic that stands at `{asset}` (`topic`: `plant/{asset}/telemetry`, one level or more), or what msg, flow, global, env or JSONata say.
 * What it returns throws, or rejects, where a message says none.
 */
export function machineOf(RED: NodeAPI, node: Node, value: string, type = 'str'): (message: Message) => string | Promise<string> {
  if (type === 'str') return () => value;
  if (type === 'topic') {
    const pattern = topicPattern(value);
    return ({ topic }) => {
      const name = typeof topic === 'string' ? pattern.exec(topic)?.[1] : undefined;
      if (name === undefined)
        throw new Error(`the topic ${String(topic)} is not like ${value} → the node's Machine says where its name stands`);
      return name;
    };
  }
  return async (message) => {
    // A property of what is not there is an error of Node-RED's, in words that speak of neither node nor message.
    const name = await evaluate(RED, node, value, type, message).catch(() => undefined);
    if (typeof name !== 'string' || name === '')
      throw new Error(`${type === 'msg' ? 'msg.' : `${type} `}${value} says no machine → the node's Machine says where its name stands`);
    return name;
  };
}

const topicPattern = (pattern: string): RegExp => {
  const parts = pattern.split('{asset}').map((part) =>
    part
      .split('+')
      .map((text) => text.replace(/[.*?^${}()|[\]\\]/g, '\\$&'))
      .join('[^/]+'),
  );
  return new RegExp(`^${parts.join('(.+)')}$`);
};
