import { createRequire } from 'node:module';
import { onTestFinished } from 'vitest';
import { builtNodes } from './built-nodes.ts';

/** What `node-red-node-test-helper` gives of a node. */
export interface TestNode {
  readonly id: string;
  readonly context: () => { get(key: string): unknown };
  receive(message: object): void;
  on(event: 'input' | 'call:status' | 'call:error', listener: (message: never) => void): void;
}

interface Helper {
  init(path: string, settings?: object): void;
  startServer(done: () => void): void;
  stopServer(done: () => void): void;
  load(nodes: readonly unknown[], flow: readonly object[], credentials: object, done: () => void): void;
  unload(): Promise<void>;
  getNode(id: string): TestNode | null;
  setFlows(flow: readonly object[], type?: string): Promise<void>;
  request(): unknown;
}

export type Major = 4 | 5;
/** The Catch node of the Node-RED that runs. */
let catchNode: unknown;
const configurationTypes = new Set(['fettle-gateway', 'fettle-model', 'fettle-modbus-connection']);
const require = createRequire(import.meta.url);
const redOf = (major: Major): string => require.resolve(major === 5 ? 'node-red' : 'node-red-4');

/** Nodes of the built package, as Node-RED would load them. */
export const loadNodes = (...names: readonly string[]): unknown[] =>
  names.map((name) => require(`${builtNodes()}/node-red/dist/${name}.js`));

/** Runs flows in the runtime of a Node-RED of this major, in this process: one major a test file, since the runtime is one a process. */
export async function nodeRed(major: Major, settings: object = {}): Promise<Helper> {
  builtNodes();
  const helper = require('node-red-node-test-helper') as Helper;
  helper.init(redOf(major), settings);
  catchNode = createRequire(redOf(major))('@node-red/nodes/core/common/25-catch.js');
  await new Promise<void>((resolve) => helper.startServer(resolve));
  return helper;
}

export async function load(helper: Helper, names: readonly string[], flow: readonly object[], credentials: object = {}): Promise<void> {
  // A node without a place in the flow is a configuration node.
  const placed = flow.map((node) => ({ ...(isConfiguration(node) ? {} : { z: 'tab', x: 0, y: 0 }), ...node }));
  const nodes = [...loadNodes(...names), catchNode];
  await new Promise<void>((resolve) => helper.load(nodes, [{ id: 'tab', type: 'tab', label: 'test' }, ...placed], credentials, resolve));
  onTestFinished(() => helper.unload());
}

const isConfiguration = (node: object): boolean => 'type' in node && configurationTypes.has(String(node.type));

/** What arrives at a node, as it comes. */
export function heard<Message = { payload: unknown; topic?: string }>(helper: Helper, id: string): Message[] {
  const messages: Message[] = [];
  helper.getNode(id)?.on('input', (message) => messages.push(message));
  return messages;
}

/** The colours a node has shown since it is watched. */
export function fills(helper: Helper, id: string): string[] {
  const seen: string[] = [];
  helper.getNode(id)?.on('call:status', (call) => seen.push((call as { args: { fill?: string }[] }).args[0]?.fill ?? ''));
  return seen;
}
