import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError, loadConfig, parseConfig } from '../../src/config/load.ts';
import { fettle } from '../support/fettle.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const source = (id: string, url: string, more = ''): string =>
  `  - { id: ${id}, type: modbus, url: "${url}", ${more}tags: [{ tag: hall/${id}, reference: 40001, type: int16 }] }\n`;
const yaml = (...sources: readonly string[]): string => `site: north\nsources:\n${sources.join('')}`;

function problemsOf(text: string): string[] {
  try {
    parseConfig(text, 'fettle.yaml', {});
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message.split('\n');
  }
}

describe('sources of one line', () => {
  it('that set it differently are named both, each with its place', () => {
    const port = 'rtu:///dev/ttyNowhere0';
    expect(problemsOf(yaml(source('a', `${port}?baudRate=9600&parity=none`), source('b', port)))).toEqual([
      'fettle.yaml:3:33: sources[0].url: shares the line rtu:///dev/ttyNowhere0 with "b", and one line has one set of settings: baudRate 9600 here, 19200 there; parity none here, even there',
      'fettle.yaml:4:33: sources[1].url: shares the line rtu:///dev/ttyNowhere0 with "a", and one line has one set of settings: baudRate 19200 here, 9600 there; parity even here, none there',
    ]);
  });

  it('that agree, or are not on one line, are nobody’s business', () => {
    const settled = 'rtu:///dev/ttyNowhere0?baudRate=19200&parity=even&dataBits=8&stopBits=1';
    expect(
      problemsOf(yaml(source('a', 'rtu:///dev/ttyNowhere0'), source('b', settled), source('c', 'rtu:///dev/ttyNowhere1?baudRate=9600'))),
    ).toEqual([]);
    expect(problemsOf(yaml(source('a', 'tcp://plc:502'), source('b', 'tcp://PLC')))).toEqual([]);
  });

  it('may disagree about what stands in a key of its own', () => {
    const url = 'rtu+tcp://10.0.0.9:4001';
    const text = yaml(source('a', url), source('b', url), source('c', url, 'drain: 500ms, '));
    expect(problemsOf(text)).toEqual([
      `fettle.yaml:3:5: sources[0].drain: shares the line ${url} with "c", and one line has one set of settings: drain not given here, 500 ms there`,
      expect.stringMatching(/^fettle\.yaml:5:\d+: sources\[2\]\.drain: .* with "a", .*: drain 500 ms here, not given there$/),
    ]);
  });

  it('in two files are named in both; fettle check says it too', async () => {
    const directory = temporaryDirectory();
    const [main, more] = [join(directory, 'fettle.yaml'), join(directory, 'more.yaml')];
    writeFileSync(main, `include: [more.yaml]\n${yaml(source('a', 'rtu:///dev/ttyNowhere0?baudRate=9600'))}`);
    writeFileSync(more, `sources:\n${source('b', 'rtu:///dev/ttyNowhere0')}`);
    expect(() => loadConfig(main, {})).toThrow(ConfigError);
    const { code, stdout } = await fettle('check', main);
    expect(code).toBe(2);
    expect(stdout.split('\n').map((line) => line.split(': ')[0])).toEqual([`${main}:4:33`, `${more}:2:33`, `2 problems in ${main}.`, '']);
  });
});
