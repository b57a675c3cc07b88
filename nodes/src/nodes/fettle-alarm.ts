import type { AlarmTransition, FlowAlarms, FlowInvalidWindow } from '@fettle/gateway';
import type { Node, NodeAPI, NodeDef } from 'node-red';
import { transitionPayload, verbs } from '../shared/alarm-payloads.ts';
import { scoreOf } from '../shared/flow-payloads.ts';
import { library } from '../shared/library.ts';
import { NodeStatus } from '../shared/node-status.ts';
import { asError, type Message, onInput } from '../shared/on-input.ts';

interface Definition extends NodeDef {
  readonly priority: string;
  readonly onDelay: string;
  readonly offDelay: string;
  readonly deadband: string;
  readonly latching: boolean;
  readonly advice: string;
}

/** The runtime half of the node's button. */
interface AlarmNode extends Node {
  acknowledge(by: string): Promise<number>;
}

const clockEveryMs = 1_000;
const mostAssets = 1_000;

export default (RED: NodeAPI): void => {
  function Alarm(this: AlarmNode, definition: Definition): void {
    RED.nodes.createNode(this, definition);
    const status = new NodeStatus(this);
    const { priority = 'medium', onDelay = '0s', offDelay = '0s', deadband = '10%', latching = false, advice = '' } = definition;
    const alarm = { priority, onDelay, offDelay, deadband, latching, ...(advice !== '' && { advice }) };
    const machines = new Map<string, FlowAlarms>();
    const context = this.context();
    const keep = (): void => context.set('alarms', Object.fromEntries([...machines].map(([asset, machine]) => [asset, machine.save()])));
    const told = (transition: AlarmTransition): void => {
      const machine = machines.get(transition.asset);
      // Its own state holds what has just changed only once it has returned.
      setImmediate(() => {
        if (machine === undefined) return;
        const { atMs, ...state } = machine.state();
        const document = { ...state, time: new Date(atMs).toISOString() };
        this.send([
          { topic: transition.asset, payload: document } as never,
          { topic: transition.asset, payload: transitionPayload(transition) } as never,
        ]);
        keep();
        show();
      });
    };
    const machineOf = async (asset: string): Promise<FlowAlarms> => {
      const { FlowAlarms: Library } = await library();
      const known = machines.get(asset);
      if (known !== undefined) return known;
      if (machines.size >= mostAssets) throw new Error(`${asset} is one machine too many: this node has ${mostAssets}`);
      const made = new Library({ asset, alarm }, told);
      const saved = (context.get('alarms') as Record<string, object> | undefined)?.[asset];
      if (saved !== undefined) made.restore(saved);
      machines.set(asset, made);
      return made;
    };
    const show = (): void => {
      const standing = [...machines.values()].flatMap((machine) => machine.state().alarms);
      const active = standing.filter(({ state }) => state === 'unacknowledged' || state === 'acknowledged');
      const [first] = active;
      if (first === undefined) status.show('green', 'dot', RED._('fettle-alarm.status.normal'));
      else if (active.length > 1) status.show('red', 'dot', RED._('fettle-alarm.status.alarms', { count: active.length } as never));
      else status.show(first.state === 'acknowledged' ? 'yellow' : 'red', 'dot', first.message);
    };
    const clock = setInterval(() => {
      for (const machine of machines.values()) machine.clock();
    }, clockEveryMs);

    onInput(this, async (message: Message) => {
      const payload = typeof message.payload === 'object' && message.payload !== null ? (message.payload as Record<string, unknown>) : {};
      if (typeof message.topic === 'string' && verbs.has(message.topic)) {
        const only = machines.size === 1 ? [...machines.keys()][0] : undefined;
        const asset = typeof payload.asset === 'string' ? payload.asset : only;
        if (asset === undefined) throw new Error(`${message.topic} needs a machine → msg.payload.asset`);
        const { asset: _, ...details } = payload;
        (await machineOf(asset)).command(message.topic, details);
      } else if (typeof payload.reason === 'string' && typeof payload.asset === 'string') {
        const endMs = Date.parse(String(payload.time));
        if (Number.isNaN(endMs)) throw new Error('the window says no time → wire the second output of a window node to this one');
        (await machineOf(payload.asset)).invalid({ ...(payload as unknown as FlowInvalidWindow), endMs });
      } else {
        const score = scoreOf(message.payload);
        (await machineOf(score.asset)).score(score);
      }
      show();
    });
    this.acknowledge = async (by) => {
      let count = 0;
      for (const machine of machines.values())
        for (const { state, rule } of machine.state().alarms)
          if (/unacknowledged/i.test(state)) {
            machine.command('acknowledge', { rule, by });
            count++;
          }
      return count;
    };
    this.on('close', (done: () => void) => {
      clearInterval(clock);
      keep();
      done();
    });
  }
  RED.nodes.registerType('fettle-alarm', Alarm as never);

  // The button of the node: everything that stands is acknowledged, by who is logged in.
  RED.httpAdmin.post('/fettle-alarm/:id/acknowledge', RED.auth.needsPermission('inject.write'), (request, response) => {
    const node = RED.nodes.getNode(String(request.params.id)) as AlarmNode | null;
    const { user } = request as unknown as { user?: { username?: string } };
    Promise.try(async () => ({ count: (await node?.acknowledge(user?.username ?? 'editor')) ?? 0 })).then(
      (answer) => response.json(answer),
      (error: unknown) => response.json({ problem: asError(error).message }),
    );
  });
};
