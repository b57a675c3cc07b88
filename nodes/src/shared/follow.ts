import type { Node, NodeAPI, NodeDef } from 'node-red';
import type { GatewayEvent } from '../../../src/client/gateway-client.ts';
import type { GatewayNode } from '../nodes/fettle-gateway.ts';
import { NodeStatus } from './node-status.ts';
import { asError } from './on-input.ts';

export interface TapDefinition extends NodeDef {
  readonly gateway: string;
  /** Asset ids, separated by commas; all where empty. */
  readonly assets: string;
}

export interface Tap {
  readonly events: readonly string[];
  /** Shown while nothing has come yet. */
  readonly waitingText: string;
  event(event: GatewayEvent, status: NodeStatus): void;
  /** Where an earlier life of the node ended. */
  readonly lastEventId?: number | undefined;
  place?(id: number): void;
}

export const listOf = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** A node that brings live events of a gateway into a flow, until it is closed; it reconnects by itself. */
export function follow(RED: NodeAPI, node: Node, definition: TapDefinition, tap: Tap): void {
  const status = new NodeStatus(node);
  const gateway = RED.nodes.getNode(definition.gateway) as GatewayNode | null;
  if (gateway === null) {
    status.show('red', 'ring', RED._('@fettle/node-red/fettle-gateway:fettle-gateway.status.none'));
    return;
  }
  const closed = new AbortController();
  let said = '';
  status.show('grey', 'ring', RED._('@fettle/node-red/fettle-gateway:fettle-gateway.status.connecting'));
  const { events, lastEventId } = tap;
  const ended = gateway.client.follow(
    { events, assets: listOf(definition.assets), lastEventId },
    {
      event: (event) => tap.event(event, status),
      link: (up, error) => {
        if (up) {
          said = '';
          status.show('green', 'ring', tap.waitingText);
          return;
        }
        status.show('red', 'ring', RED._('@fettle/node-red/fettle-gateway:fettle-gateway.status.away'));
        const { message } = asError(error);
        // Once an outage, not once an attempt.
        if (message !== said) node.error(message, {});
        said = message;
      },
      ...(tap.place !== undefined && { place: (id: number) => tap.place?.(id) }),
    },
    closed.signal,
  );
  node.on('close', (done: () => void) => {
    closed.abort(new Error('the node was closed'));
    void ended.finally(done);
  });
}
