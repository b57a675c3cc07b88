/** Node-RED with a flow, as a process under measurement. settings: FlowSettings. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type BareModel, type FlowSettings, judgingNode, nodeRedFlow, takingNode } from './node-red-flow.ts';
import { serve, settings } from './subject.ts';

interface FlowNode {
  readonly connected?: boolean;
  context(): { get(key: string): unknown };
  send(messages: unknown): void;
  /** Called once a message has been dealt with. */
  _complete(...args: readonly unknown[]): void;
}

/** What is used of Node-RED, which comes without types. */
interface NodeRed {
  init(settings: object): void;
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly nodes: { getNode(id: string): FlowNode | null };
}

const flow = settings<FlowSettings>();
const { work } = flow;
const userDir = mkdtempSync(join(tmpdir(), 'fettle-bench-node-red-'));
writeFileSync(join(userDir, 'flows.json'), JSON.stringify(nodeRedFlow(flow)));
// Loaded only where it is used: the memory of a plain flow is measured too.
if (work.kind === 'fettle') (await import('../../test/nodes/support/built-nodes.ts')).installInto(userDir);
const nodeRed = createRequire(import.meta.url)('node-red') as NodeRed;
// No HTTP server, no editor, no projects: the runtime and its nodes alone, so nothing listens.
nodeRed.init({
  userDir,
  flowFile: 'flows.json',
  httpAdminRoot: false,
  httpNodeRoot: false,
  disableEditor: true,
  credentialSecret: false,
  telemetry: { enabled: false },
  functionGlobalContext: { ...(work.kind === 'runs' && { model: await bareModel(work.model) }) },
  logging: { console: { level: 'error', metrics: false, audit: false } },
});
await nodeRed.start();

/** As simple as it gets with the runtime's own API: one window, one run. */
async function bareModel(directory: string): Promise<BareModel> {
  const { loadBundle } = await import('../../src/bundles/index.ts');
  const { model, manifest } = await loadBundle(directory);
  const runtime = await import('onnxruntime-node');
  const session = await runtime.InferenceSession.create(model, { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential' });
  const shape = [1, manifest.length, manifest.channels.length];
  return {
    ratio: async (window) => {
      // The function's own arrays are of another realm, which the runtime does not take.
      const { score } = await session.run({ window: new runtime.Tensor('float32', Float32Array.from(window), shape) }, ['score']);
      return Number(score?.data[0]) / manifest.limit;
    },
  };
}

const node = (id: string): FlowNode => nodeRed.nodes.getNode(id) as FlowNode;
const deadline = Date.now() + 20_000;
while (nodeRed.nodes.getNode('broker')?.connected !== true || nodeRed.nodes.getNode(takingNode) === null) {
  if (Date.now() > deadline) throw new Error('Node-RED has not connected to the broker within 20 s');
  await pause(20);
}

let messages = 0;
let judged = 0;
// A message counts when its node is done with it: what only waits in memory does not.
const taking = node(takingNode);
const { _complete: complete } = taking;
taking._complete = (...args) => {
  messages++;
  complete.apply(taking, args as []);
};
if (work.kind === 'fettle') {
  const judging = node(judgingNode);
  const { send } = judging;
  judging.send = (message) => {
    judged++;
    send.call(judging, message);
  };
}
const windows = (): number =>
  work.kind === 'fettle' ? judged : ((taking.context().get('state') as { windows: number } | undefined)?.windows ?? 0);

serve(
  () => ({ messages, windows: windows(), late: 0 }),
  async () => {
    await nodeRed.stop();
    rmSync(userDir, { recursive: true, force: true });
  },
);
