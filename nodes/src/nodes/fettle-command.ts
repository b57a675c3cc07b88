import type { Node, NodeAPI, NodeDef } from 'node-red';
import { evaluate } from '../shared/evaluate.ts';
import { NodeStatus } from '../shared/node-status.ts';
import { type Message, onInput } from '../shared/on-input.ts';
import type { GatewayNode } from './fettle-gateway.ts';

interface Definition extends NodeDef {
  readonly gateway: string;
  readonly verb: string;
  readonly verbType: string;
  readonly asset: string;
  readonly assetType: string;
  readonly comment: string;
  readonly commentType: string;
  readonly duration: string;
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

export default (RED: NodeAPI): void => {
  function Command(this: Node, definition: Definition): void {
    RED.nodes.createNode(this, definition);
    const status = new NodeStatus(this);
    onInput(this, async (message: Message, send, signal) => {
      const gateway = RED.nodes.getNode(definition.gateway) as GatewayNode | null;
      if (gateway === null) throw new Error('no gateway is chosen → open the node and choose one');
      const { payload } = message;
      const given = typeof payload === 'object' && payload !== null ? (payload as Record<string, unknown>) : {};
      const verb = textOf(await evaluate(RED, this, definition.verb, definition.verbType, message)) ?? textOf(given.verb);
      const asset = textOf(await evaluate(RED, this, definition.asset, definition.assetType, message)) ?? textOf(given.asset);
      if (verb === undefined) throw new Error('no command is given → choose one in the node, or send it as msg.payload.verb');
      if (asset === undefined) throw new Error(`${verb} needs an asset → name it in the node, or send it as msg.payload.asset`);
      const comment = textOf(await evaluate(RED, this, definition.comment, definition.commentType, message)) ?? textOf(given.comment);
      const lasts = textOf(given.for) ?? textOf(definition.duration);
      // An alarm wired in has a tag of null where its rule has none.
      const body = { asset, rule: textOf(given.rule), tag: textOf(given.tag), from: given.from, to: given.to, comment, for: lasts };
      await gateway.client.ask('POST', `/api/v1/commands/${encodeURIComponent(verb)}`, body, signal);
      status.show('green', 'dot', `${verb} ${asset}`);
      send({ ...message, payload: { ok: true, verb, asset } });
    });
  }
  RED.nodes.registerType('fettle-command', Command as never);
};
