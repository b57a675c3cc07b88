import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.ts';
import { errorCodes } from '../../src/core/errors.ts';
import { generatedDocs } from '../../tools/reference.ts';
import { root, sourceFiles } from './sources.ts';

const read = (path: string): string => readFileSync(join(root, path), 'utf8');

describe('the docs', () => {
  it.each([...generatedDocs()])('%s is what npm run docs writes', (path, text) => {
    expect(existsSync(join(root, path)), `run npm run docs: ${path} is missing`).toBe(true);
    expect(read(path)).toBe(text);
  });

  it('know every error code, and no other', () => {
    const documented = [...read('docs/errors.md').matchAll(/^## (\w+)$/gm)].map(([, code]) => code);
    expect(documented.sort()).toEqual(Object.keys(errorCodes).sort());
  });

  it('hold no error code that nothing raises', () => {
    const text = sourceFiles('src')
      .filter(({ path }) => path !== 'src/core/errors.ts')
      .map((file) => file.text)
      .join('\n');
    expect(Object.keys(errorCodes).filter((code) => !text.includes(code))).toEqual([]);
  });

  it('have a line for every runtime dependency, and no other', () => {
    const listed = [...read('docs/dependencies.md').matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name);
    const { dependencies, optionalDependencies } = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
    expect(listed.sort()).toEqual(Object.keys({ ...dependencies, ...optionalDependencies }).sort());
  });

  it('show configurations that are right', () => {
    const pages = ['README.md', 'docs/guides/influxdb.md', 'docs/guides/mqtt.md'];
    const whole = pages.flatMap((page) =>
      [...read(page).matchAll(/```yaml\n(site:[\s\S]*?)```/g)].map(([, yaml]) => [page, yaml as string] as const),
    );
    expect(whole.length).toBeGreaterThan(0);
    for (const [page, yaml] of whole) expect(() => parseConfig(yaml, page, { FETTLE_MQTT_PASSWORD: 'x' })).not.toThrow();
    expect(() => parseConfig(read('src/cli/starter.yaml'), 'starter.yaml', {})).not.toThrow();
  });

  it('link to files that exist', () => {
    const pages = ['README.md', 'CONTRIBUTING.md', 'src/README.md', 'docs/measurements.md'];
    const broken = pages.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:)([^)#]+)/g)]
        .map(([, to]) => to as string)
        .filter((to) => !existsSync(join(root, page, '..', to))),
    );
    expect(broken).toEqual([]);
  });

  it('promise the two commands', () => {
    expect(read('README.md')).toContain('npm ci && npm start');
    expect(read('README.md')).toContain('npm ci && npm test');
  });
});
