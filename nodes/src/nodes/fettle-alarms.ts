import type { Node, NodeAPI } from 'node-red';
import { follow, listOf, type TapDefinition } from '../shared/follow.ts';
import { matcherOf } from '../shared/matcher.ts';

interface Definition extends TapDefinition {
  /** Tags, separated by commas, `*` for anything; all where empty. */
  readonly tags?: string;
  readonly priorities: string;
  readonly rules: string;
  /** What happened while Node-RED was down comes when it is back. */
  readonly catchUp: boolean;
}

interface Transition {
  readonly asset: string;
  readonly rule: string;
  readonly tag: string | null;
  readonly findings: readonly { readonly tag: string }[];
  readonly priority: string;
  readonly from: string;
  readonly to: string;
  readonly message: string;
  readonly atMs: number;
}

const isActive = (state: string): boolean => state === 'unacknowledged' || state === 'acknowledged';
/** Key of the node's context under which the place in the gateway's journal stands. */
const placeKey = 'fettlePlace';

export default (RED: NodeAPI): void => {
  function Alarms(this: Node, definition: Definition): void {
    RED.nodes.createNode(this, definition);
    const priorities = new Set(listOf(definition.priorities));
    const rules = new Set(listOf(definition.rules));
    const tags = listOf(definition.tags);
    const isWanted = matcherOf(tags);
    /** An alarm of a tag, or one that a tag explains. */
    const isOfTag = ({ tag, findings }: Transition): boolean =>
      tags.length === 0 || [...(tag === null ? [] : [tag]), ...findings.map((finding) => finding.tag)].some(isWanted);
    const context = this.context();
    const kept = definition.catchUp === true ? context.get(placeKey) : undefined;
    follow(RED, this, definition, {
      events: ['alarm'],
      waitingText: RED._('fettle-alarms.status.waiting'),
      lastEventId: typeof kept === 'number' ? kept : undefined,
      place: (id) => context.set(placeKey, id),
      event: ({ data }, status) => {
        const transition = data as Transition;
        const { asset, rule, priority, from: previous, to, message, atMs, ...rest } = transition;
        if ((priorities.size > 0 && !priorities.has(priority)) || (rules.size > 0 && !rules.has(rule)) || !isOfTag(transition)) return;
        const active = isActive(to);
        status.show(active ? 'red' : 'green', 'dot', `${asset} ${to}`);
        const payload = { asset, rule, priority, state: to, active, previous, message, time: new Date(atMs).toISOString(), ...rest };
        this.send({ topic: asset, payload } as never);
      },
    });
  }
  RED.nodes.registerType('fettle-alarms', Alarms as never);
};
