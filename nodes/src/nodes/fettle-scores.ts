import type { Node, NodeAPI } from 'node-red';
import { follow, type TapDefinition } from '../shared/follow.ts';

interface Definition extends TapDefinition {
  /** Only above this share of the limit, in %. */
  readonly above: string | number;
}

interface LiveScore {
  readonly asset: string;
  readonly atMs: number;
  readonly value: number;
  readonly limit: number;
  readonly model: string;
  readonly channels: readonly string[];
  readonly contributions: readonly number[];
  readonly observed: readonly number[];
  readonly expected: readonly number[];
}

export default (RED: NodeAPI): void => {
  function Scores(this: Node, definition: Definition): void {
    RED.nodes.createNode(this, definition);
    const above = Number(definition.above ?? 0) / 100;
    follow(RED, this, definition, {
      events: ['score'],
      waitingText: RED._('fettle-scores.status.waiting'),
      event: ({ data }, status) => {
        const { asset, atMs, value, limit, model, channels, contributions, observed, expected } = data as LiveScore;
        const ratio = value / limit;
        status.show(ratio > 1 ? 'red' : 'green', 'dot', `${asset} ${Math.round(100 * ratio)} %`);
        if (ratio < above) return;
        const parts = channels.map((tag, i) => ({ tag, contribution: contributions[i], observed: observed[i], expected: expected[i] }));
        this.send({
          topic: asset,
          payload: { asset, time: new Date(atMs).toISOString(), score: value, limit, ratio, model, channels: parts },
        } as never);
      },
    });
  }
  RED.nodes.registerType('fettle-scores', Scores as never);
};
