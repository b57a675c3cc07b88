import type { Node, NodeAPI } from 'node-red';
import { follow, listOf, type TapDefinition } from '../shared/follow.ts';
import { matcherOf } from '../shared/matcher.ts';

interface Definition extends TapDefinition {
  /** Tags, separated by commas, `*` for anything; all where empty. */
  readonly tags: string;
}

interface TagNow {
  readonly tag: string;
  readonly value: number | string | null;
  readonly at: string | null;
  readonly quality: string;
  readonly engineeringUnit: string | null;
}

const shown = (value: TagNow['value']): string => (typeof value === 'number' ? String(Number(value.toPrecision(4))) : (value ?? '–'));

export default (RED: NodeAPI): void => {
  function Samples(this: Node, definition: Definition): void {
    RED.nodes.createNode(this, definition);
    const isWanted = matcherOf(listOf(definition.tags));
    follow(RED, this, definition, {
      events: ['tags'],
      waitingText: RED._('fettle-samples.status.waiting'),
      event: ({ data }, status) => {
        const tags = (data as TagNow[]).filter(({ tag }) => isWanted(tag));
        for (const { tag, value, at, quality, engineeringUnit } of tags)
          this.send({ topic: tag, payload: { tag, value, time: at, quality, unit: engineeringUnit } });
        const last = tags.at(-1);
        if (last !== undefined) status.show('green', 'dot', `${last.tag} ${shown(last.value)} ${last.engineeringUnit ?? ''}`.trim());
      },
    });
  }
  RED.nodes.registerType('fettle-samples', Samples as never);
};
