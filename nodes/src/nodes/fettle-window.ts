import type { FlowWindows } from '@fettle/gateway';
import type { Node, NodeAPI, NodeDef } from 'node-red';
import { samplesOfMessage } from '../../../src/flow/message-samples.ts';
import { listOf } from '../shared/follow.ts';
import { library } from '../shared/library.ts';
import { machineOf, mostMachines } from '../shared/machine-of.ts';
import { NodeStatus } from '../shared/node-status.ts';
import { asError, type Message, onInput, type Send } from '../shared/on-input.ts';
import type { ModelNode } from './fettle-model.ts';

interface Definition extends NodeDef {
  readonly asset: string;
  readonly assetType?: string;
  readonly model: string;
  readonly values: string;
  readonly step: string;
  readonly length: string;
  readonly slide: string;
  readonly lateness: string;
}

type Forming = (machine: string) => FlowWindows;

const lookEveryMs = 2_000;

export default (RED: NodeAPI): void => {
  function Window(this: Node, definition: Definition): void {
    RED.nodes.createNode(this, definition);
    const status = new NodeStatus(this);
    const { asset = '', assetType = 'str', lateness = '2s' } = definition;
    const model = RED.nodes.getNode(definition.model) as ModelNode | null;
    const named = listOf(definition.values);
    const machineIn = machineOf(RED, this, asset, assetType);
    const machines = new Map<string, FlowWindows>();
    let make: Forming | undefined;
    let grid = '';
    let lookedMs = 0;
    let looking: Promise<Forming> | undefined;
    const look = async (): Promise<Forming> => {
      const { FlowWindows: Library } = await library();
      const facts = await model?.facts();
      const values = named.length > 0 ? named : (facts?.values ?? []);
      if (values.length === 0) throw new Error(`${asset}: no values are named → choose a model in the node, or name them`);
      const step = facts === undefined ? definition.step : `${facts.stepMs}ms`;
      const { length = Number(definition.length), slide = Number(definition.slide) } = facts ?? {};
      const wanted = [step, length, slide, ...values].join(' ');
      if (make !== undefined && wanted === grid) return make;
      const forming = (machine: string): FlowWindows => new Library({ asset: machine, values, step, length, slide, lateness });
      machines.clear();
      // What is wrong with the settings is said by the deploy, not by the first message.
      if (assetType === 'str') machines.set(asset, forming(asset));
      grid = wanted;
      make = forming;
      return forming;
    };
    /** A first model may come after the deploy, and the next one may want other windows. */
    const lookOnce = (): Promise<Forming> => {
      looking ??= look().finally(() => {
        looking = undefined;
        lookedMs = performance.now();
      });
      return looking;
    };
    lookOnce().catch((error: unknown) => {
      status.show('red', 'ring', asError(error).message);
      this.error(asError(error).message, {});
    });
    let formed = 0;
    const form = (forming: Forming, machine: string, message: Message, send: Send): void => {
      const topic = typeof message.topic === 'string' ? message.topic : undefined;
      const { samples, unread } = samplesOfMessage(message.payload, { topic, names: named });
      if (samples.length === 0) throw new Error(`${machine}: no values in this message: ${unread.join('; ')}`);
      let windows = machines.get(machine);
      if (windows === undefined) {
        if (machines.size >= mostMachines) throw new Error(`${machine} is one machine too many: this node has ${mostMachines}`);
        windows = forming(machine);
        machines.set(machine, windows);
      }
      const { windows: whole, invalid } = windows.push(samples);
      for (const { endMs, ...window } of whole)
        send([{ ...message, topic: machine, payload: { ...window, time: new Date(endMs).toISOString() } }, null]);
      for (const { endMs, ...window } of invalid)
        send([null, { ...message, topic: machine, payload: { ...window, time: new Date(endMs).toISOString() } }]);
      formed += whole.length;
      const last = invalid.at(-1);
      if (last !== undefined && whole.length === 0) {
        const { reason, tag } = last;
        const said = (): object => ({ reason: RED._(`fettle-window.reason.${reason}`), tag: tag ?? '' });
        status.show('yellow', 'ring', () => RED._('fettle-window.status.invalid', said() as never));
      } else if (formed === 0) status.show('grey', 'ring', () => RED._('fettle-window.status.filling'));
      else status.show('green', 'ring', () => RED._('fettle-window.status.formed', { count: formed } as never));
    };
    onInput(this, (message: Message, send) => {
      const machine = machineIn(message);
      // Where a model is damaged or being replaced, the windows stay as they were.
      if (make !== undefined && performance.now() - lookedMs >= lookEveryMs) lookOnce().catch(() => {});
      // The way of nearly every message: nothing to wait for.
      if (make !== undefined && typeof machine === 'string') return form(make, machine, message, send);
      return Promise.all([make ?? lookOnce(), machine]).then(([forming, name]) => form(forming, name, message, send));
    });
  }
  RED.nodes.registerType('fettle-window', Window as never);
};
