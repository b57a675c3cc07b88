import type { FlowWindows } from '@fettle/gateway';
import type { Node, NodeAPI, NodeDef } from 'node-red';
import { samplesOfMessage } from '../../../src/flow/message-samples.ts';
import { listOf } from '../shared/follow.ts';
import { library } from '../shared/library.ts';
import { NodeStatus } from '../shared/node-status.ts';
import { asError, type Message, onInput } from '../shared/on-input.ts';
import type { ModelNode } from './fettle-model.ts';

interface Definition extends NodeDef {
  readonly asset: string;
  readonly model: string;
  readonly values: string;
  readonly step: string;
  readonly length: string;
  readonly slide: string;
  readonly lateness: string;
}

export default (RED: NodeAPI): void => {
  function Window(this: Node, definition: Definition): void {
    RED.nodes.createNode(this, definition);
    const status = new NodeStatus(this);
    const { asset = '', lateness = '2s' } = definition;
    const model = RED.nodes.getNode(definition.model) as ModelNode | null;
    const named = listOf(definition.values);
    let current: { readonly grid: string; readonly windows: FlowWindows } | undefined;
    /** Windows as the model wants them now: a first model may come after the deploy, and the next one may want others. */
    const windowsNow = async (): Promise<FlowWindows> => {
      const { FlowWindows: Library } = await library();
      const facts = await model?.facts().catch((error: unknown) => {
        if (current === undefined) throw error;
        return undefined;
      });
      if (model !== null && facts === undefined && current !== undefined) return current.windows;
      const values = named.length > 0 ? named : (facts?.values ?? []);
      if (values.length === 0) throw new Error(`${asset}: no values are named → choose a model in the node, or name them`);
      const step = facts === undefined ? definition.step : `${facts.stepMs}ms`;
      const { length = Number(definition.length), slide = Number(definition.slide) } = facts ?? {};
      const grid = [step, length, slide, ...values].join(' ');
      if (current?.grid !== grid) current = { grid, windows: new Library({ asset, values, step, length, slide, lateness }) };
      return current.windows;
    };
    windowsNow().catch((error: unknown) => {
      status.show('red', 'ring', asError(error).message);
      this.error(asError(error).message, {});
    });
    let formed = 0;
    onInput(this, async (message: Message, send) => {
      const topic = typeof message.topic === 'string' ? message.topic : undefined;
      const { samples, unread } = samplesOfMessage(message.payload, { topic, names: named });
      if (samples.length === 0) throw new Error(`${asset}: no values in this message: ${unread.join('; ')}`);
      const windows = await windowsNow();
      const { windows: whole, invalid } = windows.push(samples);
      for (const { endMs, ...window } of whole)
        send([{ ...message, topic: asset, payload: { ...window, time: new Date(endMs).toISOString() } }, null]);
      for (const { endMs, ...window } of invalid)
        send([null, { ...message, topic: asset, payload: { ...window, time: new Date(endMs).toISOString() } }]);
      formed += whole.length;
      const last = invalid.at(-1);
      if (last !== undefined && whole.length === 0) {
        const values = { reason: RED._(`fettle-window.reason.${last.reason}`), tag: last.tag ?? '' };
        status.show('yellow', 'ring', RED._('fettle-window.status.invalid', values as never));
      } else if (formed === 0) status.show('grey', 'ring', RED._('fettle-window.status.filling'));
      else status.show('green', 'ring', RED._('fettle-window.status.formed', { count: formed } as never));
    });
  }
  RED.nodes.registerType('fettle-window', Window as never);
};
