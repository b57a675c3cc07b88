import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { helpOf } from '../../tools/build-nodes.ts';
import { root } from '../house/sources.ts';

interface Package {
  readonly name: string;
  readonly license: string;
  readonly bugs: string;
  readonly repository: { readonly url: string };
  readonly keywords: readonly string[];
  readonly engines: { readonly node: string };
  readonly dependencies: Readonly<Record<string, string>>;
  readonly files: readonly string[];
  readonly version: string;
  readonly 'node-red': { readonly version: string; readonly nodes: Readonly<Record<string, string>> };
}

const nodes = join(root, 'nodes');
const read = (path: string): string => readFileSync(join(nodes, path), 'utf8');
const json = <Value>(path: string): Value => JSON.parse(read(path)) as Value;
const manifest = json<Package>('package.json');
const names = Object.keys(manifest['node-red'].nodes);
const languages = ['en-US', 'de'];
const examples = readdirSync(join(root, 'flows')).map((file) => ({
  file,
  flow: json<{ id: string; type: string; wires?: string[][] }[]>(`../flows/${file}`),
}));
/** The inline object of `registerType`, as text: its keys are read without running it. */
const definitionOf = (name: string): string =>
  new RegExp(`RED\\.nodes\\.registerType\\('${name}', \\{([\\s\\S]*)\\}\\);`).exec(read(`src/editor/${name}.html`))?.[1] ?? '';

/** The checks of the scorecard of flows.nodered.org, by their ids, as far as they can be made without a network. */
describe('the scorecard of a node set', () => {
  it('P01 P03 P04 P05: licence, repository, scoped name, keyword', () => {
    expect(manifest.license).toBe('Apache-2.0');
    expect(manifest.repository.url).toMatch(/^git\+https:/);
    expect(manifest.bugs).toMatch(/^https:/);
    expect(manifest.name).toMatch(/^@fettle\//);
    expect(manifest.keywords).toContain('node-red');
  });

  it('P06 P07: runs on the Node-RED and the Node.js of today, and says so without an upper end', () => {
    expect(manifest['node-red'].version).toBe('>=4.0.0');
    expect(manifest.engines.node).toBe('>=22.9');
  });

  it('D01 D03: few dependencies, the gateway in the version beside it', () => {
    expect(Object.keys(manifest.dependencies).length).toBeLessThanOrEqual(6);
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Package;
    expect(manifest.version).toBe(version);
  });

  it('D02: nothing in the tree that Node-RED cannot live with', () => {
    const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { version?: string; dev?: boolean }>;
    };
    const old = Object.entries(lock.packages).filter(
      ([path, { version = '9', dev }]) => /(^|\/)agent-base$/.test(path) && dev !== true && Number(version.split('.')[0]) < 6,
    );
    expect(old).toEqual([]);
  });

  it('N01: type names of our own, one file each', () => {
    for (const name of names) expect(name).toMatch(/^fettle-[a-z-]+$/);
    expect(
      readdirSync(join(nodes, 'src/nodes'))
        .map((file) => file.replace('.ts', ''))
        .sort(),
    ).toEqual([...names].sort());
  });

  it('N02: an example for every node that is no configuration node', () => {
    const shown = new Set(examples.flatMap(({ flow }) => flow.map(({ type }) => type)));
    const missing = names.filter((name) => !definitionOf(name).includes("category: 'config'") && !shown.has(name));
    expect(missing).toEqual([]);
  });

  it('registers every node by an inline object with literal category, colour, icon and defaults', () => {
    for (const name of names) {
      const definition = definitionOf(name);
      expect(definition, name).toMatch(/category: '(Fettle|config)'/);
      expect(definition, name).toContain('defaults: {');
      if (definition.includes("category: 'config'")) continue;
      expect(definition, name).toMatch(/color: '#[0-9A-F]{6}'/);
      expect(definition, name).toMatch(/inputs: \d,\n\s*outputs: \d/);
      const [, icon = ''] = /icon: '([^']+)'/.exec(definition) ?? [];
      expect(read(`icons/${icon}`), name).toMatch(/width="40" height="60".*#fff/);
    }
  });

  it('keeps no secret among what is exported with a flow', () => {
    for (const name of names) expect(definitionOf(name).split('credentials:')[0], name).not.toMatch(/password|token|secret/i);
  });
});

describe('texts', () => {
  const catalogues = languages.map((language) => json<Record<string, object>>(`locales/${language}.json`));
  const keysOf = (value: unknown, path = ''): string[] =>
    typeof value === 'object' && value !== null ? Object.entries(value).flatMap(([key, inner]) => keysOf(inner, `${path}.${key}`)) : [path];

  it('are there in every language, and the same ones', () => {
    const [english, ...others] = catalogues.map((catalogue) => keysOf(catalogue).sort());
    for (const other of others) expect(other).toEqual(english);
    expect(Object.keys(catalogues[0] ?? {}).sort()).toEqual([...names].sort());
  });

  it('that editor and runtime ask for exist', () => {
    const known = new Set(keysOf(catalogues[0]).map((key) => key.slice(1)));
    const code = [
      ...names.map((name) => read(`src/editor/${name}.html`)),
      ...readdirSync(join(nodes, 'src/nodes')).map((file) => read(`src/nodes/${file}`)),
      read('src/shared/follow.ts'),
    ].join('\n');
    const asked = [
      ...[...code.matchAll(/data-i18n="(?:\[placeholder\])?([^"]+)"/g)].map(([, key]) => key as string),
      ...[...code.matchAll(/_\('(?:[^']*:)?(fettle-[a-z-]+\.[\w.]+\w)'[,)]/g)].map(([, key]) => key as string),
    ];
    expect(asked.length).toBeGreaterThan(40);
    expect(asked.filter((key) => !known.has(key))).toEqual([]);
  });

  it('explain every node with what comes in, what goes out and the details', () => {
    for (const language of languages) {
      const help = helpOf(read(`locales/${language}.md`));
      for (const name of names) {
        const text = help.get(name) ?? '';
        expect(text.length, `${language} ${name}`).toBeGreaterThan(150);
        if (!definitionOf(name).includes("category: 'config'"))
          expect(text, `${language} ${name}`).toMatch(/### (Outputs|Ausgänge)[\s\S]*### (Details|Einzelheiten)/);
      }
    }
  });
});

describe('examples', () => {
  it.each(examples)('$file says first what to change, and wires only what is there', ({ flow }) => {
    const [tab] = flow;
    expect(tab?.type).toBe('tab');
    expect(flow.some(({ type }) => type === 'comment')).toBe(true);
    const ids = new Set(flow.map(({ id }) => id));
    expect(ids.size).toBe(flow.length);
    expect(flow.flatMap(({ wires = [] }) => wires.flat()).filter((id) => !ids.has(id))).toEqual([]);
    // Nodes of others would have to be installed first.
    const own = [
      'tab',
      'comment',
      'inject',
      'debug',
      'function',
      'switch',
      'change',
      'template',
      'catch',
      'status',
      'http request',
      'mqtt in',
      'mqtt out',
      'mqtt-broker',
      'join',
      'delay',
    ];
    expect(flow.filter(({ type }) => !own.includes(type) && !names.includes(type))).toEqual([]);
  });

  it('are packed', () => {
    expect(manifest.files).toEqual(expect.arrayContaining(['dist', 'examples']));
    expect(existsSync(join(nodes, 'LICENSE'))).toBe(true);
  });
});
