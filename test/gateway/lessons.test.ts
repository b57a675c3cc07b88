import { describe, expect, it } from 'vitest';
import { configSchema } from '../../src/config/schema.ts';
import type { ModelManifest } from '../../src/core/manifest.ts';
import { type LessonFacts, lessonFor, outcomeOf } from '../../src/gateway/lessons.ts';
import type { Tally } from '../../src/gateway/shadow.ts';
import { type Episode, placed, stretchOf } from '../../src/gateway/verdicts.ts';

const hour = 3_600_000;
const config = configSchema.parse({
  site: 'north',
  sources: [
    {
      id: 'plc',
      type: 'modbus',
      url: 'tcp://127.0.0.1:502',
      tags: [{ tag: 'press/flow', table: 'holdingRegister', address: 0, type: 'float32' }],
    },
  ],
  assets: [
    {
      id: 'press',
      tags: ['press/flow'],
      window: { step: '1s' },
      detector: { learn: { provisional: '30m', established: '8h', renew: '100h', promote: 'auto', shadow: '1h' } },
    },
  ],
});
const [asset] = config.assets as [(typeof config.assets)[number]];
const facts = (seen: Partial<LessonFacts['seen']>, more: Partial<LessonFacts> = {}): LessonFacts => ({
  stage: 'established',
  seen: { rows: 0, sinceMs: 1000, untilMs: null, beforeModel: 0, beforeNormal: 0, normalSinceMs: null, ...seen },
  slowChange: undefined,
  requested: false,
  hasCandidate: false,
  ...more,
});

describe('what an asset learns next', () => {
  it.each<[string, LessonFacts, object | undefined]>([
    ['too little for a first model', facts({ rows: 1799 }, { stage: 'none' }), undefined],
    ['a first model', facts({ rows: 1800 }, { stage: 'none' }), { stage: 'provisional', reason: null, sinceMs: 1000 }],
    ['too little to establish', facts({ rows: 20_000 }, { stage: 'provisional' }), undefined],
    ['an established model', facts({ rows: 28_800 }, { stage: 'provisional' }), { stage: 'established', reason: null, sinceMs: 1000 }],
    [
      'only what is normal now counts',
      facts({ rows: 40_000, beforeNormal: 20_000, normalSinceMs: 5000 }, { stage: 'provisional' }),
      undefined,
    ],
    ['nothing, while all is well', facts({ rows: 200_000, beforeModel: 30_000 }), undefined],
    ['a candidate on schedule', facts({ rows: 390_000, beforeModel: 30_000 }), { reason: 'schedule', sinceMs: 1000 }],
    ['one candidate at a time', facts({ rows: 390_000, beforeModel: 30_000 }, { hasCandidate: true }), undefined],
    [
      'a candidate after a new normal',
      facts({ rows: 80_000, beforeModel: 30_000, beforeNormal: 50_000, normalSinceMs: 7000 }),
      { reason: 'newNormal', sinceMs: 7000 },
    ],
    [
      'not before there is enough of it',
      facts({ rows: 60_000, beforeModel: 30_000, beforeNormal: 50_000, normalSinceMs: 7000 }),
      undefined,
    ],
    [
      'a candidate when it has long been different',
      facts({ rows: 90_000 }, { slowChange: { sinceMs: 9000, forMs: 8 * hour } }),
      { reason: 'slow change', sinceMs: 9000 },
    ],
    ['not at once', facts({ rows: 90_000 }, { slowChange: { sinceMs: 9000, forMs: 7 * hour } }), undefined],
    ['what a person asks for', facts({ rows: 90_000 }, { requested: true }), { reason: 'request' }],
    ['nothing from nothing, even asked', facts({ rows: 300 }, { requested: true }), undefined],
  ])('%s', (_, given, expected) => {
    const lesson = lessonFor(asset, given);
    if (expected === undefined) expect(lesson).toBeUndefined();
    else expect(lesson).toMatchObject(expected);
  });
});

describe('a candidate that has judged for long enough', () => {
  const tally = (alarms: number, alarmRows = alarms * 10): Tally => ({ rows: 4000, alarms, alarmRows, warnings: 0 });
  const manifest = (share: number): ModelManifest => ({ selfTest: { share, blind: [] } }) as unknown as ModelManifest;
  const judged = (active: Tally, candidate: Tally, sees = 0.9, reason = 'schedule') =>
    outcomeOf({ reason, tally: { active, candidate }, manifest: manifest(sees) }, manifest(0.8), true);

  it('takes over when it raises no more and sees no less', () => {
    expect(judged(tally(2), tally(1))).toMatchObject({ promote: true });
    expect(judged(tally(0), tally(0), 0.8)?.text).toBe(
      'the candidate takes over: 0 alarms (0 by the model in force) in 4000 rows, self-test 80 % (80 %)',
    );
  });

  it('is put aside when it raises more, longer, or is blinder', () => {
    expect(judged(tally(0), tally(1))).toMatchObject({ promote: false });
    expect(judged(tally(1, 10), tally(1, 20))).toMatchObject({ promote: false });
    expect(judged(tally(1), tally(0), 0.7)).toMatchObject({ promote: false });
  });

  it('waits for a person where wear could be learnt, and for its time', () => {
    expect(judged(tally(1), tally(0), 0.9, 'slow change')).toBeUndefined();
    expect(judged(tally(1), tally(0), 0.9, 'request')).toBeUndefined();
    const waiting = { reason: 'schedule', tally: { active: tally(1), candidate: tally(0) }, manifest: manifest(1) };
    expect(outcomeOf(waiting, manifest(0), false)).toBeUndefined();
  });
});

describe('a verdict', () => {
  const episode = (rule: Episode['rule'], fromMs: number, toMs: number): Episode => ({ rule, fromMs, toMs, provisional: false });
  const episodes = [episode('anomaly', 1000, 2000), episode('drift', 3000, Number.POSITIVE_INFINITY)];
  const said = { verb: 'false', asset: 'press', by: 'anna' } as const;

  it('is about the last alarm, that of its rule, or the stretch given', () => {
    expect(placed(said, episodes)).toEqual({ ...said, fromMs: 3000 });
    expect(placed({ ...said, rule: 'anomaly' }, episodes)).toMatchObject({ fromMs: 1000, toMs: 2000 });
    expect(placed({ ...said, fromMs: 7, toMs: 9 }, episodes)).toMatchObject({ fromMs: 7, toMs: 9 });
    expect(() => placed(said, [])).toThrow('press has raised nothing that could be false');
  });

  it('without an end lasts as long as the alarm did in the end', () => {
    const row = (fromMs: number) => ({ kind: 'command', atMs: 5000, command: { ...said, fromMs } }) as const;
    expect(stretchOf(row(1000), 'press', episodes)).toEqual({ verdict: 'false', fromMs: 1000, toMs: 2000 });
    expect(stretchOf(row(1234), 'press', episodes)).toEqual({ verdict: 'false', fromMs: 1234, toMs: 5000 });
    expect(stretchOf(row(1000), 'oven', episodes)).toBeUndefined();
  });
});
