import type { FlowOutbox, FlowOutboxOptions, FlowOutboxStatus } from '@fettle/gateway';
import type { Node, NodeAPI, NodeDef } from 'node-red';
import { library } from '../shared/library.ts';
import { NodeStatus } from '../shared/node-status.ts';
import { asError, type Message, onInput } from '../shared/on-input.ts';
import { ownFolder } from '../shared/own-folder.ts';

interface Definition extends NodeDef {
  readonly target: FlowOutboxOptions['target']['type'];
  readonly url: string;
  readonly database: string;
  readonly username: string;
  /** Megabytes. */
  readonly size: string;
}

interface Credentials {
  readonly password?: string;
  readonly token?: string;
}

const lookEveryMs = 1_000;

export default (RED: NodeAPI): void => {
  function Outbox(this: Node<Credentials>, definition: Definition): void {
    RED.nodes.createNode(this, definition);
    const status = new NodeStatus(this);
    // By the node's id: what waits is still there when its settings change.
    const directory = ownFolder(RED, this.id, 'outbox-');
    const opened: Promise<FlowOutbox> = library().then(({ FlowOutbox: Library }) =>
      Library.open({ directory, target: targetOf(definition, this.credentials ?? {}), maxBytes: Number(definition.size || '500') * 1e6 }),
    );
    opened.catch((error: unknown) => {
      status.show('red', 'ring', asError(error).message);
      this.error(asError(error).message, {});
    });
    let said = '';
    const look = setInterval(() => {
      opened
        .then((outbox) => {
          const now = outbox.status();
          show(RED, status, now);
          const problem = now.problem ?? '';
          // Once an outage, not once an attempt.
          if (problem !== '' && problem !== said) this.error(problem, {});
          said = problem;
        })
        .catch(() => {});
    }, lookEveryMs);
    onInput(this, async (message: Message, send) => {
      const { topic, payload, retain, measurement } = message;
      const outbox = await opened;
      await outbox.put({
        payload,
        topic: textOf(topic),
        measurement: textOf(measurement),
        ...(retain === true && { retain }),
      });
      // It is kept: who waits for that may go on.
      send(message);
    });
    this.on('close', (done: () => void) => {
      clearInterval(look);
      opened
        .then((outbox) => outbox.close())
        .catch(() => {})
        .finally(done);
    });
  }
  RED.nodes.registerType('fettle-outbox', Outbox as never, {
    credentials: { password: { type: 'password' }, token: { type: 'password' } },
  });
};

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

function targetOf({ target, url, database, username }: Definition, { password, token }: Credentials): FlowOutboxOptions['target'] {
  const login = { username: textOf(username), password: textOf(password) };
  if (target === 'mqtt') return { type: 'mqtt', url, ...login };
  const bearer = textOf(token);
  if (target === 'http') return { type: 'http', url, ...(bearer !== undefined && { headers: { authorization: `Bearer ${bearer}` } }) };
  const own = Object.fromEntries(Object.entries({ ...login, token: bearer }).filter(([, value]) => value !== undefined));
  return { type: 'influxdb', url, database, ...own };
}

function show(RED: NodeAPI, status: NodeStatus, { depth, oldestMs, up, problem, delivered }: FlowOutboxStatus): void {
  const say = (key: string, values: object = {}): string => RED._(`fettle-outbox.status.${key}`, values as never);
  const waiting = { count: depth, minutes: Math.ceil((oldestMs ?? 0) / 60_000) };
  if (problem !== undefined) status.show(depth > 0 ? 'yellow' : 'red', 'ring', depth > 0 ? say('waiting', waiting) : problem);
  else if (depth > 0) status.show('blue', 'dot', say('sending', waiting));
  else status.show(up ? 'green' : 'grey', up ? 'dot' : 'ring', say('delivered', { count: delivered }));
}
