import { describe, expect, it } from 'vitest';
import { sourceFiles } from './sources.ts';

/** Who may import whom, by the folder below src/; `core` is open to all. */
const allowed: Record<string, readonly string[]> = {
  core: [],
  onnx: [],
  sources: [],
  journal: [],
  windows: [],
  scoring: [],
  alarms: [],
  detector: [],
  outbox: [],
  sinks: [],
  simulator: [],
  telemetry: [],
  bundles: ['onnx'],
  learning: ['onnx', 'bundles', 'detector'],
  // Schemas stand beside the code they configure; expressions are checked by the compiler that runs them.
  config: ['sources', 'sinks', 'windows'],
  // Sums of what the journal holds.
  charts: ['journal'],
  gateway: ['charts', 'config', 'sources', 'journal', 'windows', 'bundles', 'learning', 'scoring', 'detector', 'alarms', 'outbox', 'sinks'],
  // What a person tries out on devices before there is a configuration.
  commissioning: ['sources', 'learning'],
  // Windows on the gateway for other systems.
  expose: ['config', 'gateway'],
  server: ['config', 'gateway', 'expose'],
  // Node-RED beside the gateway.
  editor: [],
  // What programs use to talk to a gateway.
  client: [],
  // What flows are made of: the stages one by one, put together by who draws the flow.
  flow: [
    'config',
    'gateway',
    'sources',
    'commissioning',
    'windows',
    'scoring',
    'bundles',
    'learning',
    'alarms',
    'journal',
    'outbox',
    'sinks',
  ],
  // In a browser: types of the others, and what is free of Node.
  dashboard: ['gateway', 'server', 'charts'],
  cli: ['config', 'editor', 'gateway', 'server', 'expose', 'telemetry', 'simulator', 'learning', 'bundles', 'commissioning'],
  index: ['client', 'config', 'flow', 'gateway'],
};

const folderOf = (path: string): string => path.replace(/^src\//, '').replace(/\/.*$|\.ts$/, '');
const files = sourceFiles('src');

describe('imports', () => {
  it('point one way', () => {
    const wrong = files.flatMap(({ path, imports }) => {
      const from = folderOf(path);
      return imports
        .map(({ path: to }) => ({ to, folder: folderOf(to) }))
        .filter(({ folder }) => folder !== from && folder !== 'core' && !(allowed[from] ?? []).includes(folder))
        .map(({ to }) => `${path} → ${to}`);
    });
    expect(wrong).toEqual([]);
    expect(files.length).toBeGreaterThan(80);
  });

  it('reach every folder that has a rule, and no folder without one', () => {
    expect([...new Set(files.map(({ path }) => folderOf(path)))].sort()).toEqual(Object.keys(allowed).sort());
  });

  it('have no cycle', () => {
    const graph = new Map(files.map(({ path, imports }) => [path, imports.filter(({ type }) => !type).map(({ path: to }) => to)]));
    const cycles: string[] = [];
    const done = new Set<string>();
    const visit = (path: string, trail: string[]): void => {
      if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
      else if (!done.has(path)) {
        for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
        done.add(path);
      }
    };
    for (const path of graph.keys()) visit(path, []);
    expect(cycles).toEqual([]);
  });

  it('load ONNX Runtime only where models run or learn', () => {
    const users = files
      .filter(({ text }) => /from 'onnxruntime-node'|import\('onnxruntime-node'\)/.test(text))
      .map(({ path }) => folderOf(path));
    expect(users.every((folder) => folder === 'scoring' || folder === 'learning')).toBe(true);
  });
});

describe('files', () => {
  it('can be seen whole: 400 lines at most', () => {
    expect(files.filter(({ lines }) => lines > 401).map(({ path, lines }) => `${path} ${lines}`)).toEqual([
      // The life of the gateway from start to stop, read in the order of the data.
      ...files.filter(({ path, lines }) => path === 'src/gateway/gateway.ts' && lines > 401).map(({ path, lines }) => `${path} ${lines}`),
    ]);
  });

  it('leave nothing for later and hold no default export', () => {
    const marks = new RegExp(['TO', 'DO|FIX', 'ME'].join(''));
    expect(files.filter(({ text }) => marks.test(text) || /^export default/m.test(text)).map(({ path }) => path)).toEqual([]);
  });
});
