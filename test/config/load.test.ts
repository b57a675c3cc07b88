import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ConfigError, loadConfig, parseConfig } from '../../src/config/load.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** The contract: configurations written against these keys are what users have. */
const contract = `
site: north
data: ./data
journal: { maxBytes: 2GB, maxAge: 30d, commit: 20ms }
sources:
  - id: press-plc
    type: modbus
    url: tcp://10.0.0.21:502
    unit: 1
    poll: 250ms
    timeout: 1s
    maxRegisters: 125
    bridgeRegisters: 8
    tags:
      - { tag: line1/press/current, table: holdingRegister, address: 100, type: float32, order: CDAB, engineeringUnit: A }
      - { tag: line1/press/oil-temp, reference: 40111, type: int16, scale: 0.1, engineeringUnit: °C, poll: 1s }
      - { tag: line1/press/state, table: inputRegister, address: 3, type: uint16 }
  - id: shopfloor
    type: mqtt
    url: mqtt://127.0.0.1:1883
    qos: 1
    topics:
      - topic: plant/{area}/{machine}/telemetry
        payload: json
        time: { path: $.ts, maxSkew: 5m, otherwise: arrival }
        tags: { "{area}/{machine}/flow": $.flow, "{area}/{machine}/vibration": "$.values[*]" }
      - topic: doors/{door}
        payload: scalar
        tags: { "line2/{door}": $ }
tags:
  line1/press/oil-temp: { limits: { hihi: 85, hi: 75 }, flatline: 10m, maxAge: 5s }
  line2/door: { hold: true, maxAge: 15m }
assets:
  - id: line1/press
    tags: [line1/press/current, line1/press/oil-temp]
    window: { step: 1s, length: 64, slide: 8, allowedLateness: 2s }
    detector: { model: models/press/1.0.0 }
    running: { when: "line1/press/state == 3", settle: 60s }
    alarm: { kind: alert, priority: medium, onDelay: 10s, offDelay: 30s, deadband: 10%, notWatchedAfter: 10m, advice: "Check the oil filter" }
alerts: { url: mqtt://127.0.0.1:1883 }
sinks:
  - { id: cloud, type: influxdb, url: http://cloud:8086, database: fettle, send: [scores, alarms, samples] }
`;

const problemsOf = (yaml: string, environment: NodeJS.ProcessEnv = {}): string[] => {
  try {
    parseConfig(yaml, 'fettle.yaml', environment);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message.split('\n');
  }
};

describe('a configuration', () => {
  it('takes every key of the contract', () => {
    const { config, directory } = parseConfig(contract, '/etc/fettle/fettle.yaml', {});
    expect(directory).toBe('/etc/fettle');
    expect(config.data).toBe('/etc/fettle/data');
    expect(config.journal).toMatchObject({ maxBytes: 2e9, maxAge: 30 * 86_400_000, commit: 20 });
    expect(config.sources[0]).toMatchObject({ poll: 250, timeout: 1000, unit: 1 });
    expect(config.assets[0]?.alarm).toMatchObject({ onDelay: 10_000, deadband: 0.1, notWatchedAfter: 600_000 });
    expect(config.assets[0]?.detector?.model).toBe('/etc/fettle/models/press/1.0.0');
    expect(config.tags['line2/door']).toMatchObject({ hold: true, maxAge: 900_000 });
    expect(Object.isFrozen(config.assets[0]?.window)).toBe(true);
  });

  it('is told all its problems at once, each with its line and column', () => {
    const broken = contract
      .replace('unit: 1\n', 'unit: 300\n')
      .replace('poll: 250ms', 'pol: 250ms')
      .replace('type: float32', 'type: float33')
      .replace('maxAge: 5s', 'maxAge: 5 seconds')
      .replace('qos: 1', 'qos: 2')
      .replace('deadband: 10%', 'deadband: ten');
    const problems = problemsOf(broken);
    const line = (text: string): number => broken.split('\n').findIndex((row) => row.includes(text)) + 1;
    for (const text of ['unit: 300', 'pol: 250ms', 'float33', '5 seconds', 'qos: 2', 'deadband: ten']) {
      expect(
        problems.some((problem) => problem.startsWith(`fettle.yaml:${line(text)}:`)),
        `${text}: ${problems.join('\n')}`,
      ).toBe(true);
    }
    expect(problems.length).toBe(6);
  });

  it.each([
    [
      'a name no source brings',
      ['tags: [line1/press/current,', 'tags: [line1/press/curent,'],
      /no source brings "line1\/press\/curent"; did you mean "line1\/press\/current"\?/,
    ],
    ['an expression that cannot be read', ['line1/press/state == 3', 'line1/press/state = 3'], /running\.when/],
    [
      'a level that does not stand in the topic',
      ['"{area}/{machine}/flow"', '"{hall}/{machine}/flow"'],
      /\{hall\} does not stand in the topic/,
    ],
    ['limits the wrong way round', ['hihi: 85, hi: 75', 'hihi: 65, hi: 75'], /hihi \(65\) must be above hi \(75\)/],
    ['two sources of one name', ['id: shopfloor', 'id: press-plc'], /"press-plc" is used twice/],
    ['a slide longer than the window', ['slide: 8', 'slide: 65'], /slide \(65\) is longer than the window \(64\)/],
    ['a source type nobody knows', ['type: mqtt', 'type: opcua'], /type/],
    ['no site', ['site: north', ''], /site/],
    ['a tab', ['site: north', 'site:\n\tnorth'], /fettle\.yaml:\d+:\d+/],
    [
      'samples without a journal',
      ['journal: { maxBytes: 2GB, maxAge: 30d, commit: 20ms }', 'journal: off'],
      /samples cannot be sent while journal is off/,
    ],
  ] as const)('with %s is refused in words', (_, [from, to], words) => {
    expect(problemsOf(contract.replace(from, to)).join('\n')).toMatch(words);
  });

  it('that is no file names the way on', () => {
    expect(() => loadConfig('/nowhere/fettle.yaml')).toThrow(/fettle init/);
  });

  it('takes secrets by reference only, and shows them to nobody', () => {
    const withPassword = (value: string): string => contract.replace('qos: 1\n', `qos: 1\n    username: fettle\n    password: ${value}\n`);
    expect(problemsOf(withPassword('hunter2')).join()).toMatch(/by reference/);
    expect(problemsOf(withPassword('hunter2')).join()).not.toContain('hunter2');
    expect(problemsOf(withPassword('"${env:NOT_SET_ANYWHERE}"')).join()).toMatch(/NOT_SET_ANYWHERE is not set/);
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'secret'), 'hunter2\n');
    writeFileSync(join(directory, 'fettle.yaml'), withPassword('"${file:secret}"'));
    const { config } = loadConfig(join(directory, 'fettle.yaml'), {});
    const source = config.sources[1] as { password: { reveal(): string } };
    expect(source.password.reveal()).toBe('hunter2');
    expect(JSON.stringify(config)).not.toContain('hunter2');
    expect(inspect(config, { depth: 9 })).not.toContain('hunter2');
    expect(`${source.password}`).not.toContain('hunter2');
  });

  it('can be overridden by the environment, and unknown variables are told', () => {
    const { config } = parseConfig(contract, 'f.yaml', {
      FETTLE_CONFIG_SITE: 'south',
      FETTLE_CONFIG_JOURNAL_COMMIT: '50ms',
      FETTLE_CONFIG_SOURCES_PRESS_PLC_URL: 'tcp://10.0.0.22:502',
      FETTLE_CONFIG_SERVER_LISTEN: '127.0.0.1:0',
    });
    expect(config.site).toBe('south');
    expect(config.journal).toMatchObject({ commit: 50 });
    expect(config.sources[0]).toMatchObject({ url: 'tcp://10.0.0.22:502' });
    expect(config.server.listen).toBe('127.0.0.1:0');
    expect(problemsOf(contract, { FETTLE_CONFIG_NONSENSE: '1' }).join()).toMatch(/FETTLE_CONFIG_NONSENSE fits no key/);
  });
});
