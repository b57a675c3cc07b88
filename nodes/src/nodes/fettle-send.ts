import type { Node, NodeAPI, NodeDef } from 'node-red';
import { sleep } from '../../../src/core/clock.ts';
import { samplesOfMessage } from '../../../src/flow/message-samples.ts';
import { listOf } from '../shared/follow.ts';
import { NodeStatus } from '../shared/node-status.ts';
import { type Message, onInput } from '../shared/on-input.ts';
import type { GatewayNode } from './fettle-gateway.ts';

interface Definition extends NodeDef {
  readonly gateway: string;
  readonly source: string;
  readonly prefix: string;
  readonly names: string;
}

const mostWaiting = 1000;
const attemptsMost = 5;

export default (RED: NodeAPI): void => {
  function SendSamples(this: Node, definition: Definition): void {
    RED.nodes.createNode(this, definition);
    const status = new NodeStatus(this);
    const names = listOf(definition.names);
    let waiting = 0;
    let sent = 0;
    onInput(this, async (message: Message, send, signal) => {
      const gateway = RED.nodes.getNode(definition.gateway) as GatewayNode | null;
      if (gateway === null) throw new Error('no gateway is chosen → open the node and choose one');
      const { samples, unread } = samplesOfMessage(message.payload, { topic: textOf(message.topic), names });
      if (samples.length === 0) throw new Error(`nothing to send: ${unread.join('; ')}`);
      if (waiting >= mostWaiting)
        throw new Error(
          `${mostWaiting} messages wait for ${gateway.url} already; this one was not sent → put a fettle-outbox before it, or send less often`,
        );
      waiting++;
      try {
        const { prefix = '' } = definition;
        const arrival = Date.now();
        // The time of the message, not of an attempt.
        const timed = samples.map(({ tag, time = arrival, ...rest }) => ({ tag: prefix === '' ? tag : `${prefix}/${tag}`, time, ...rest }));
        const accepted = await deliver(gateway, { source: definition.source, samples: timed }, signal);
        sent += accepted;
        status.show('green', 'dot', RED._('fettle-send.status.sent', { count: sent } as never));
        send({ ...message, payload: { accepted, source: definition.source, unread } });
      } catch (error) {
        if (!signal.aborted) status.show('red', 'ring', RED._('fettle-send.status.failed'));
        throw error;
      } finally {
        waiting--;
      }
    });
  }
  RED.nodes.registerType('fettle-send', SendSamples as never);
};

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** The gateway answers when its journal has them. What was sent before an answer got lost is sent as such, so that nothing is taken twice. */
async function deliver(gateway: GatewayNode, body: { source: string; samples: readonly object[] }, signal: AbortSignal): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await gateway.client.ask<{ accepted: number }>(
        'POST',
        '/api/v1/samples',
        { ...body, ...(attempt > 1 && { resent: true }) },
        signal,
      );
      return answer.accepted;
    } catch (error) {
      const { code } = error as { code?: string };
      const isWorthIt = code === 'FETTLE_API_UNREACHABLE' || code === 'FETTLE_SOURCE_BUSY';
      if (!isWorthIt || attempt >= attemptsMost || signal.aborted) throw error;
      await sleep(250 * 2 ** attempt, signal);
    }
  }
}
