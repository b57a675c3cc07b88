import type { FlowComparison, FlowTrainer, TrainProgress, TrainWish } from '@fettle/gateway';
import type { Node, NodeAPI, NodeDef } from 'node-red';
import { samplesOfMessage } from '../../../src/flow/message-samples.ts';
import { listOf } from '../shared/follow.ts';
import { library, withInstallLine } from '../shared/library.ts';
import { NodeStatus } from '../shared/node-status.ts';
import { asError, type Message, onInput } from '../shared/on-input.ts';
import { ownFolder } from '../shared/own-folder.ts';
import type { ModelNode } from './fettle-model.ts';

interface Definition extends NodeDef {
  readonly asset: string;
  readonly model: string;
  readonly values: string;
  readonly keep: string;
  readonly step: string;
  readonly length: string;
  readonly slide: string;
}

/** The runtime half of the node's button. */
interface TrainNode extends Node {
  begin(): void;
}

const commands = new Set(['train', 'compare', 'activate', 'previous', 'cancel']);
const lookEveryMs = 10_000;

export default (RED: NodeAPI): void => {
  function Train(this: TrainNode, definition: Definition): void {
    RED.nodes.createNode(this, definition);
    const status = new NodeStatus(this);
    const { asset = '', keep = '1h', step = '1s', length = '32', slide = '8' } = definition;
    const model = RED.nodes.getNode(definition.model) as ModelNode | null;
    const say = (key: string, values: object = {}): string => RED._(`fettle-train.status.${key}`, values as never);
    const directory = ownFolder(RED, `${this.id} ${asset}`);
    const open = async (): Promise<FlowTrainer> => {
      if (model === null) throw new Error('no model is chosen → open the node and say which model is to be learnt');
      const { FlowTrainer: Library } = await library();
      const grid = { step, length: Number(length), slide: Number(slide) };
      return Library.open({
        directory,
        models: model.folder,
        model: model.shelved,
        asset,
        values: listOf(definition.values),
        keep,
        ...grid,
      });
    };
    const opened = open().catch((error: unknown) => {
      throw asError(withInstallLine(error));
    });
    opened.catch((error: Error) => {
      status.show('red', 'ring', error.message);
      this.error(error.message, {});
    });

    let busy: AbortController | undefined;
    const show = (): void => {
      if (busy !== undefined) return;
      opened
        .then(async (trainer) => {
          const [candidate, kept] = [await trainer.candidate(), await trainer.kept()];
          if (busy !== undefined) return;
          if (candidate !== undefined) status.show('blue', 'dot', say('candidate', { name: candidate.name }));
          else if (kept === undefined) status.show('grey', 'ring', say('waiting'));
          else status.show('grey', 'dot', say('kept', { minutes: Math.floor((kept.toMs - kept.fromMs) / 60_000) }));
        })
        .catch(() => {});
    };
    show();
    const look = setInterval(show, lookEveryMs);
    const showProgress = ({ doing, share }: TrainProgress): void =>
      status.show('blue', 'ring', say(doing, { share: Math.floor(100 * share) }));

    /** Learns or compares: one at a time, to be cancelled by message or by closing the node. */
    const work = async <Result>(
      closed: AbortSignal,
      doing: (trainer: FlowTrainer, signal: AbortSignal) => Promise<Result>,
    ): Promise<Result> => {
      const trainer = await opened;
      if (busy !== undefined) throw new Error(`${asset}: it is learning already → wait, or send the topic cancel`);
      busy = new AbortController();
      try {
        return await doing(trainer, AbortSignal.any([closed, busy.signal]));
      } finally {
        busy = undefined;
        show();
      }
    };

    const closed = onInput(this, async (message: Message, send, signal) => {
      const { topic } = message;
      if (typeof topic !== 'string' || !commands.has(topic)) {
        const { samples, unread } = samplesOfMessage(message.payload, { topic: typeof topic === 'string' ? topic : undefined });
        if (samples.length === 0) throw new Error(`${asset}: no values in this message: ${unread.join('; ')}`);
        (await opened).push(samples);
        return;
      }
      const told = (payload: object): Message => ({ ...message, topic: asset, payload: { asset, ...payload } });
      switch (topic) {
        case 'train': {
          const wish = wishOf(message.payload);
          const learnt = await work(signal, (trainer, stop) => trainer.train(wish, stop, showProgress));
          const { model: candidate, fromMs, toMs, rows, leftOut, median, largest, comparison, notCompared } = learnt;
          const learntFrom = { from: isoOf(fromMs), to: isoOf(toMs), rows, leftOut };
          const compared = comparison === null ? { comparison, notCompared } : { comparison: comparisonPayload(comparison) };
          send([told({ candidate: candidate.name, values: candidate.values, learntFrom, median, largest, ...compared }), null]);
          return;
        }
        case 'compare': {
          const wish = wishOf(message.payload);
          const comparison = await work(signal, (trainer, stop) => trainer.compare(wish, stop));
          send([told({ candidate: comparison.candidate.name, comparison: comparisonPayload(comparison) }), null]);
          return;
        }
        case 'activate':
        case 'previous': {
          const trainer = await opened;
          const name = await (topic === 'activate' ? trainer.activate() : trainer.previous());
          show();
          send([null, told({ active: name })]);
          return;
        }
        default:
          busy?.abort(new Error(`${asset}: cancelled`));
      }
    });
    this.begin = () => this.receive({ topic: 'train' } as never);
    this.on('close', (done: () => void) => {
      clearInterval(look);
      busy?.abort(closed.reason);
      opened
        .then((trainer) => trainer.close())
        .catch(() => {})
        .finally(done);
    });
  }
  RED.nodes.registerType('fettle-train', Train as never);

  // The button of the node: how it goes stands below the node, what came of it leaves it.
  RED.httpAdmin.post('/fettle-train/:id/train', RED.auth.needsPermission('inject.write'), (request, response) => {
    const node = RED.nodes.getNode(String(request.params.id)) as TrainNode | null;
    if (node === null) {
      response.sendStatus(404);
      return;
    }
    node.begin();
    response.json({});
  });
};

const isoOf = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

const comparisonPayload = ({ fromMs, toMs, agreement, active, candidate }: FlowComparison): object => {
  const of = ({ episodes, ...model }: FlowComparison['active']): object => ({
    ...model,
    episodes: episodes.map(({ fromMs: begun, toMs: ended, channel }) => ({ from: isoOf(begun), to: isoOf(ended), channel })),
  });
  return { from: isoOf(fromMs), to: isoOf(toMs), agreement, active: of(active), candidate: of(candidate) };
};

/** What a message says of the stretch or the recording. Throws where a time is none. */
function wishOf(payload: unknown): TrainWish {
  const said = typeof payload === 'object' && payload !== null ? (payload as Record<string, unknown>) : {};
  const timeOf = (key: string): number | undefined => {
    const text = said[key];
    if (text === undefined) return undefined;
    const ms = typeof text === 'number' ? text : Date.parse(String(text));
    if (Number.isNaN(ms)) throw new Error(`msg.payload.${key} is no time: ${String(text)} → write 2026-01-31T12:00:00Z or ms since 1970`);
    return ms;
  };
  const textOf = (key: string): string | undefined => (typeof said[key] === 'string' ? said[key] : undefined);
  const ignore = Array.isArray(said.ignore) ? said.ignore.map(String) : listOf(textOf('ignore'));
  return { fromMs: timeOf('from'), toMs: timeOf('to'), recording: textOf('recording'), time: textOf('time'), ignore };
}
