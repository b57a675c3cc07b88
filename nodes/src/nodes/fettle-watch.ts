import type { Watch, WatchState } from '@fettle/gateway';
import type { Node, NodeAPI, NodeDef } from 'node-red';
import { samplesOfMessage } from '../../../src/flow/message-samples.ts';
import { transitionPayload, verbs } from '../shared/alarm-payloads.ts';
import { scorePayload } from '../shared/flow-payloads.ts';
import { listOf } from '../shared/follow.ts';
import { library, withInstallLine } from '../shared/library.ts';
import { NodeStatus } from '../shared/node-status.ts';
import { asError, type Message, onInput } from '../shared/on-input.ts';
import { ownFolder } from '../shared/own-folder.ts';

interface Definition extends NodeDef {
  readonly asset: string;
  readonly values: string;
  readonly learn: string;
  readonly step: string;
  readonly budget: string;
}

const lookEveryMs = 2_000;
export default (RED: NodeAPI): void => {
  function WatchNode(this: Node, definition: Definition): void {
    RED.nodes.createNode(this, definition);
    const status = new NodeStatus(this);
    const { asset = '', step = '1s', learn = '30m', budget = '' } = definition;
    const values = listOf(definition.values);
    // The directory goes by the node's id: a machine that is renamed is another machine to learn, one that is moved in the editor is not.
    const directory = ownFolder(RED, `${this.id} ${asset}`);
    const opened: Promise<Watch> = library()
      .then(({ Watch: Library }) =>
        Library.open(
          { directory, asset, values, step, learn, ...(budget !== '' && { budget }) },
          {
            transition: (transition) => this.send([{ topic: asset, payload: transitionPayload(transition) } as never, null]),
            score: (score) => this.send([null, { topic: asset, payload: scorePayload(score) } as never]),
            failed: (error) => fail(error),
          },
        ),
      )
      .catch((error: unknown) => {
        throw asError(withInstallLine(error));
      });
    const fail = (error: unknown): void => {
      status.show('red', 'ring', asError(error).message);
      this.error(asError(withInstallLine(error)).message, {});
    };
    opened.catch(fail);
    const show = (): void => void opened.then((watch) => showState(RED, status, watch.state())).catch(() => {});
    show();
    const look = setInterval(show, lookEveryMs);

    onInput(this, async (message: Message) => {
      const watch = await opened;
      if (typeof message.topic === 'string' && verbs.has(message.topic)) {
        const details = typeof message.payload === 'object' && message.payload !== null ? message.payload : {};
        await watch.command(message.topic, details);
        return;
      }
      const { samples, unread } = samplesOfMessage(message.payload, {
        topic: typeof message.topic === 'string' ? message.topic : undefined,
      });
      if (samples.length === 0) throw new Error(`${asset}: nothing to watch in this message: ${unread.join('; ')}`);
      await watch.push(samples);
    });
    this.on('close', (done: () => void) => {
      clearInterval(look);
      opened
        .then((watch) => watch.close())
        .catch(() => {})
        .finally(done);
    });
  }
  RED.nodes.registerType('fettle-watch', WatchNode as never);
};

function showState(RED: NodeAPI, status: NodeStatus, { state, text, seenMs, wantedMs, alarms }: WatchState): void {
  const say = (key: string, values: object = {}): string => RED._(`fettle-watch.status.${key}`, values as never);
  switch (state) {
    case 'gathering':
      status.show('grey', 'ring', say('gathering'));
      return;
    case 'learning': {
      const share = wantedMs === 0 ? 100 : Math.min(100, Math.floor((100 * seenMs) / wantedMs));
      status.show('blue', 'ring', say('learning', { share }));
      return;
    }
    case 'active':
      status.show('red', 'dot', alarms.length > 1 ? say('alarms', { count: alarms.length }) : text);
      return;
    case 'normal':
      status.show('green', 'dot', say('normal'));
      return;
    default:
      state satisfies never;
  }
}
