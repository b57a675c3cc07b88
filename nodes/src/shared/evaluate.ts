import type { Node, NodeAPI } from 'node-red';
import type { Message } from './on-input.ts';

/** The value of a typedInput: a text, or what msg, flow, global, env or JSONata say at this message. */
export const evaluate = (RED: NodeAPI, node: Node, value: string, type: string, message: Message): Promise<unknown> =>
  new Promise((resolve, reject) => {
    if (value === undefined || value === '') return resolve(undefined);
    RED.util.evaluateNodeProperty(value, (type ?? 'str') as never, node, message, (error, result) => {
      if (error) reject(error);
      else resolve(result);
    });
  });
