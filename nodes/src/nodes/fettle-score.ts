import type { Node, NodeAPI, NodeDef } from 'node-red';
import { scorePayload, windowOf } from '../shared/flow-payloads.ts';
import { NodeStatus } from '../shared/node-status.ts';
import { asError, type Message, onInput } from '../shared/on-input.ts';
import type { ModelNode } from './fettle-model.ts';

interface Definition extends NodeDef {
  readonly model: string;
}

export default (RED: NodeAPI): void => {
  function Score(this: Node, definition: Definition): void {
    RED.nodes.createNode(this, definition);
    const status = new NodeStatus(this);
    const model = RED.nodes.getNode(definition.model) as ModelNode | null;
    if (model === null) status.show('red', 'ring', RED._('fettle-score.status.none'));
    else
      model.scorer().then(
        (scorer) => status.show('grey', 'ring', scorer.model.name),
        (error: unknown) => status.show('red', 'ring', asError(error).message),
      );
    onInput(this, async (message: Message, send) => {
      if (model === null) throw new Error('no model is chosen → open the node and choose one');
      const window = windowOf(message.payload);
      const scorer = await model.scorer();
      const payload = scorePayload(await scorer.score(window));
      const { ratio } = payload;
      status.show(ratio > 1 ? 'red' : 'green', 'dot', () => RED._('fettle-score.status.ratio', { ratio: ratio.toFixed(2) } as never));
      send({ ...message, topic: window.asset, payload });
    });
  }
  RED.nodes.registerType('fettle-score', Score as never);
};
