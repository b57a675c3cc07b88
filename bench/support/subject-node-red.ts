/** Node-RED with a flow of the same windows, no inference, as a process under measurement. settings: FlowSettings. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type FlowSettings, functionNode, nodeRedFlow } from './node-red-flow.ts';
import { serve, settings } from './subject.ts';

/** What is used of Node-RED, which comes without types. */
interface NodeRed {
  init(settings: object): void;
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly nodes: {
    getNode(id: string): { readonly connected?: boolean; context(): { get(key: string): unknown } } | null;
  };
}

const userDir = mkdtempSync(join(tmpdir(), 'fettle-bench-node-red-'));
writeFileSync(join(userDir, 'flows.json'), JSON.stringify(nodeRedFlow(settings<FlowSettings>())));
const nodeRed = createRequire(import.meta.url)('node-red') as NodeRed;
// No HTTP server, no editor, no projects: the runtime and its core nodes alone, so nothing listens.
nodeRed.init({
  userDir,
  flowFile: 'flows.json',
  httpAdminRoot: false,
  httpNodeRoot: false,
  disableEditor: true,
  credentialSecret: false,
  telemetry: { enabled: false },
  logging: { console: { level: 'error', metrics: false, audit: false } },
});
await nodeRed.start();

/** The counters of the flow itself: reading them costs it nothing. */
const counters = (): { messages: number; windows: number } | undefined =>
  nodeRed.nodes.getNode(functionNode)?.context().get('state') as { messages: number; windows: number } | undefined;

const deadline = Date.now() + 10_000;
while (nodeRed.nodes.getNode('broker')?.connected !== true || counters() === undefined) {
  if (Date.now() > deadline) throw new Error('Node-RED has not connected to the broker within 10 s');
  await pause(20);
}
serve(
  () => ({ messages: counters()?.messages ?? 0, windows: counters()?.windows ?? 0, late: 0 }),
  async () => {
    await nodeRed.stop();
    rmSync(userDir, { recursive: true, force: true });
  },
);
