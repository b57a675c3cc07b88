import { describe, expect, it } from 'vitest';
import { renderStatus } from '../../src/cli/status-view.ts';
import type { StandingAlarm } from '../../src/core/alarm.ts';
import type { GatewayStatus } from '../../src/gateway/status.ts';
import { emptyDepth } from '../../src/outbox/status.ts';
import { assetState } from '../sinks/fixtures.ts';

const startMs = new Date(2026, 8, 21, 6, 0).getTime();
const at = (hour: number, minute: number, day = 21): number => new Date(2026, 8, day, hour, minute).getTime();
const plain = (_: string, text: string): string => text;

const status = (changes: Partial<GatewayStatus> = {}): GatewayStatus => ({
  site: 'north',
  version: '1.2.3',
  startedAt: new Date(startMs).toISOString(),
  uptimeMs: 3 * 3_600_000,
  state: 'good',
  sources: {},
  sinks: {},
  journal: {
    keepsSamples: true,
    diskFull: false,
    lastSeq: 1,
    commits: 12_345,
    failedCommits: 0,
    commitMs: 1.234,
    unkeptSamples: 0,
    droppedRows: 0,
    setAside: null,
  },
  counters: {
    samples: 1_234_567,
    badSamples: 0,
    late: 0,
    duplicates: 0,
    forced: 0,
    redeliveredKnown: 0,
    refusedTags: 0,
    windows: 0,
    scores: 0,
    scoringErrors: 0,
    invalidWindows: { missing: 0, tooFewChannels: 0 },
    raised: 0,
    cleared: 0,
    withdrawn: 0,
  },
  assets: [],
  learning: {},
  ...changes,
});

const alarm = (changes: Partial<StandingAlarm> = {}): StandingAlarm => ({
  ...(assetState().alarms[0] as StandingAlarm),
  sinceMs: at(6, 12),
  ...changes,
});

/** The lines of one section, without its title. */
function linesOf(title: string, changes: Partial<GatewayStatus>): string[] {
  const sections = renderStatus(status(changes), plain).split('\n\n');
  const lines = sections
    .find((section) => section.startsWith(`${title}\n`))
    ?.trimEnd()
    .split('\n');
  return lines?.slice(1) ?? [];
}

describe('what fettle status says', () => {
  it('of an idle gateway is short, and has no section without content', () => {
    expect(renderStatus(status(), plain)).toBe(`\
fettle 1.2.3 · site north · up 3 h · good

Since the start
  samples  1,234,567
  windows  0
  alarms   0 raised, 0 over
  journal  12,345 commits, the last in 1.2 ms
`);
  });

  it('of a machine: since when, what to do, what else happens, and until when it is shelved', () => {
    const alarms = [
      alarm({ kind: 'alarm', priority: 'critical', advice: 'Check the strainer', consequence: 'It runs dry' }),
      alarm({ message: '', state: 'shelved', rule: 'hi', tag: 'line1/pump3/flow', shelvedUntilMs: at(14, 0), sinceMs: at(23, 5, 20) }),
    ];
    const assets = [
      assetState({ asset: 'line1/pump3', alarms }),
      assetState({ asset: 'oven', state: 'normal', watching: 'no', alarms: [] }),
    ];
    expect(linesOf('Machines', { assets })).toEqual([
      '  ▲ line1/pump3  active  watching 2 tags',
      '      oil-temp 71.4 °C',
      '      critical alarm, unacknowledged, since 06:12',
      '      → Check the strainer',
      '      if nobody does: It runs dry',
      '      hi line1/pump3/flow',
      '      high alarm, shelved until 14:00, since 2026-09-20 23:05',
      '  ○ oven         normal  watching 2 tags',
    ]);
    expect(renderStatus(status({ assets }), plain).split('\n')[0]).toBe('fettle 1.2.3 · site north · up 3 h · good · 1 alarm');
  });

  it('of a machine that learns: how far it is', () => {
    const assets = [assetState({ asset: 'oven', state: 'normal', watching: 'learning', watchingText: 'learning', alarms: [] })];
    const learning = {
      oven: {
        stage: 'none',
        text: 'oven learning: 2 h of 8 h running time seen',
        seenMs: 1,
        wantedMs: 2,
        progress: null,
        candidate: null,
        found: {},
        failure: null,
      },
    } as const;
    expect(linesOf('Machines', { assets, learning })[1]).toBe('      learning: 2 h of 8 h running time seen');
  });

  it('of a lost connection names its units once, with when they last answered and what to do', () => {
    const lost = { state: 'failed', lastError: 'tcp://plc: connection refused', hint: 'check the address' } as const;
    const units = Array.from({ length: 20 }, (_, n) => ({ name: `unit ${n + 1}`, ...lost, lastGoodMs: at(8, 59 - n) }));
    const sources = {
      plc: {
        state: 'degraded',
        units: [...units, { name: 'unit 21', state: 'degraded', lastError: 'illegal data address' }],
        counters: { requests: 1, replies: 900, timeouts: 1200, lateReplies: 1 },
        jitterMs: { p50: 1, p99: 20 },
      },
    } as const;
    expect(linesOf('Sources', { sources, state: 'degraded' })).toEqual([
      '  ▲ plc  degraded  1 request, 1,200 timeouts, 1 late reply',
      '      unit 1, unit 2, unit 3 and 17 more failed, last good answer 1 min ago: tcp://plc: connection refused',
      '      → check the address',
      '      unit 21 degraded: illegal data address',
    ]);
  });

  it('of a device: what was found out about it, in a line for those of which the same is known', () => {
    const short = ['answers at most 32 registers in one read', 'needs 20 ms between an answer and the next request'];
    const units = [
      { name: 'unit 1', state: 'good', learned: short },
      { name: 'unit 2', state: 'good' },
      { name: 'unit 3', state: 'failed', lastError: 'no answer', learned: short },
      { name: 'unit 4', state: 'good', learned: ['x'.repeat(80), 'b', 'y'.repeat(80), 'd'] },
    ] as const;
    const sources = { meters: { state: 'degraded', units, counters: { requests: 4 } } } as const;
    expect(linesOf('Sources', { sources, state: 'degraded' })).toEqual([
      '  ▲ meters  degraded  4 requests',
      '      unit 3 failed: no answer',
      '      unit 1, unit 3 learned: answers at most 32 registers in one read; needs 20 ms between an answer and the next request',
      `      unit 4 learned: ${'x'.repeat(80)}; b; and 2 more`,
    ]);
  });

  it('of an upgrade, as long as one can go back', () => {
    const journal = {
      ...status().journal,
      upgraded: { fromVersion: '1.1.0', atMs: at(6, 0), copy: '/data/x.db', copyUntilMs: at(6, 0, 30) },
    };
    expect(linesOf('Since the start', { journal }).at(-1)).toBe(
      '  upgrade  from Fettle 1.1.0 on 2026-09-21; the data as they were are kept until 2026-09-30 (fettle upgrade undo)',
    );
  });

  it('of a sink: what waits and for how long, what it refused, and the trouble of its delivery', () => {
    const lane = { entries: 3, points: 4000, oldestMs: at(6, 30), highestId: 3 };
    const delivery = {
      state: 'degraded',
      link: { up: false, sinceMs: at(6, 30) },
      lanes: { ...emptyDepth, samples: lane },
      oldestAgeMs: 9_000_000,
      inFlight: 0,
      backlog: true,
      counters: { delivered: 0, rejected: 2, retried: 1, batches: 0 },
      drainPointsPerSecond: 0,
      lastError: 'no answer in 5 s',
      hint: 'look at its log',
    } as const;
    const sinks = {
      cloud: { sink: { state: 'good', counters: {} }, delivery, wants: ['samples'], incomingPointsPerSecond: 12 },
    } as const;
    expect(linesOf('Sinks', { sinks })).toEqual([
      '  ▲ cloud  degraded  0 delivered  4,000 samples waiting, the oldest for 2.5 h, 2 refused by it',
      '      no answer in 5 s',
      '      → look at its log',
    ]);
  });

  it('of the totals: every loss has its number', () => {
    const counters = {
      ...status().counters,
      badSamples: 5,
      late: 1,
      redeliveredKnown: 3,
      windows: 10,
      scores: 6,
      scoringErrors: 1,
      invalidWindows: { missing: 1, tooFewChannels: 3 },
      withdrawn: 1,
    };
    const journal = { ...status().journal, diskFull: true, unkeptSamples: 9, droppedRows: 2, setAside: 'fettle.db.damaged', commits: 0 };
    expect(linesOf('Since the start', { counters, journal })).toEqual([
      '  samples  1,234,567, 5 bad, 1 late, 3 sent again',
      '  windows  10, 6 scored, 4 without a score (1 missing, 3 too few channels), 1 scoring error',
      '  alarms   0 raised, 0 over, 1 withdrawn',
      '  journal  the disk is full, 0 commits, 9 samples not kept, 2 results not kept, a damaged database was set aside as fettle.db.damaged',
    ]);
    const off = { ...status().journal, keepsSamples: false };
    expect(linesOf('Since the start', { journal: off }).at(-1)).toBe(
      '  journal  off: samples are not kept, 12,345 commits, the last in 1.2 ms',
    );
  });

  it('lets nothing from outside steer the terminal, and cuts what is long', () => {
    const lastRejected = { topic: 'plant/\u001b[2J', payload: `\u0007${'x'.repeat(100)}`, reason: 'not JSON', atMs: 1 };
    const sources = { shopfloor: { state: 'good', units: [], counters: { messages: 1 }, lastRejected } } as const;
    const text = renderStatus(status({ sources }), plain);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    expect(text).toContain(`      last one not read, on plant/ [2J:  ${'x'.repeat(58)}… (not JSON)\n`);
  });

  it('has colours where there is a terminal, and the same words', () => {
    const assets = [assetState()];
    const coloured = renderStatus(status({ assets }), (colour, text) => `<${colour}>${text}</>`);
    expect(coloured).toContain('  <red>▲</> line1/pump3');
    expect(coloured).toContain('<bold>Machines</>');
    expect(coloured.replace(/<\w*>|<\/>/g, '')).toBe(renderStatus(status({ assets }), plain));
  });
});
