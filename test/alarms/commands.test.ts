import { describe, expect, it } from 'vitest';
import type { SavedAlarms } from '../../src/alarms/saved-alarms.ts';
import type { AlarmTransition } from '../../src/core/alarm.ts';
import { AlarmsBench } from './alarms-bench.ts';

/** Alerts by themselves, with one limit. */
class Bench extends AlarmsBench {
  constructor(acknowledge: 'automatic' | 'required' = 'automatic') {
    super({ alarm: { acknowledge, notWatchedAfterMs: 3_600_000 }, tag: { limits: { hi: 75 } } });
  }

  /** A restart. */
  again(): Bench {
    const bench = new Bench();
    bench.alarms.restore(JSON.parse(JSON.stringify(this.alarms.save())) as SavedAlarms);
    return bench;
  }

  state(rule: string): string {
    return this.alarms.document().alarms.find((alarm) => alarm.rule === rule)?.state ?? 'normal';
  }

  get last(): AlarmTransition | undefined {
    return this.transitions.at(-1);
  }
}

const verdicts = ['real', 'false', 'planned', 'newNormal'] as const;

describe('what a person says an alarm was', () => {
  it.each(verdicts)('%s, of one that stands: it is seen, and who said what and why is kept', (verb) => {
    const bench = new Bench().score(1000, 2).say(verb, 2000, { rule: 'anomaly', fromMs: 1000 });
    expect(bench.state('anomaly')).toBe(verb === 'newNormal' ? 'normal' : 'acknowledged');
    expect(bench.last).toMatchObject({
      verb,
      by: 'ada',
      comment: `why ${verb}`,
      from: 'unacknowledged',
      to: verb === 'newNormal' ? 'normal' : 'acknowledged',
      atMs: 2000,
    });
  });

  it.each(verdicts)('%s, of one that is over: nothing changes, and a row says who, when, what and why', (verb) => {
    const bench = new Bench().score(1000, 2).score(2000, 0.5);
    expect(bench.state('anomaly')).toBe('normal');
    const before = bench.transitions.length;
    bench.say(verb, 9000, { rule: 'anomaly', fromMs: 1000, toMs: 2000 });
    expect(bench.transitions).toHaveLength(before + 1);
    expect(bench.last).toMatchObject({
      id: `line1/press:anomaly:9000:normal>normal:${verb}:${before + 1}`,
      sequence: before + 1,
      rule: 'anomaly',
      verb,
      by: 'ada',
      comment: `why ${verb}`,
      from: 'normal',
      to: 'normal',
      atMs: 9000,
      message: expect.stringContaining('2 × the limit'),
    });
    expect(bench.last?.about).toEqual(verb === 'newNormal' ? undefined : { fromMs: 1000, toMs: 2000 });
    expect(bench.alarms.document()).toMatchObject({ state: 'normal', alarms: [], sequence: before + 1 });
  });

  it('of a time before leaves the alarm of today as it is', () => {
    const bench = new Bench('required').score(1000, 2).score(2000, 0.5).say('acknowledge', 2500).score(100_000, 3);
    bench.say('planned', 101_000, { rule: 'anomaly', fromMs: 1000, toMs: 2000 });
    expect(bench.state('anomaly')).toBe('unacknowledged');
    expect(bench.last).toMatchObject({
      verb: 'planned',
      from: 'unacknowledged',
      to: 'unacknowledged',
      about: { fromMs: 1000, toMs: 2000 },
    });
    // Of a stretch in which it stood, it is meant.
    bench.say('planned', 102_000, { rule: 'anomaly', fromMs: 90_000, toMs: 101_500 });
    expect(bench.state('anomaly')).toBe('acknowledged');
  });

  it('is what an alarm waits for that was over without being seen', () => {
    const bench = new Bench('required').score(1000, 2).score(2000, 0.5).say('false', 3000, { fromMs: 1000, toMs: 2000 });
    expect(bench.words.at(-1)).toBe('anomaly returnedUnacknowledged → normal');
    expect(bench.last).toMatchObject({ verb: 'false', by: 'ada' });
  });
});

describe('a comment', () => {
  it('is kept with the alarm it is about, and changes nothing of it', () => {
    const bench = new Bench().score(1000, 2);
    const before = bench.alarms.document();
    bench.say('comment', 2000, { comment: 'bearing is on order' }).say('comment', 2000, { comment: 'and a seal' });
    expect(bench.transitions.slice(1)).toMatchObject([
      { verb: 'comment', comment: 'bearing is on order', from: 'unacknowledged', to: 'unacknowledged', by: 'ada' },
      { verb: 'comment', comment: 'and a seal' },
    ]);
    // Within a millisecond: two rows all the same.
    expect(new Set(bench.transitions.map(({ id }) => id)).size).toBe(3);
    expect(bench.alarms.document().alarms).toEqual(before.alarms);
    expect(bench.alarms.document().sequence).toBe(3);
  });

  it('of a machine on which nothing stands goes to its detector, of a limit to the limit, and to nothing where there is none', () => {
    const bench = new Bench().say('comment', 1000).say('comment', 2000, { rule: 'hi', tag: 'press/oil-temp' });
    expect(bench.words).toEqual(['anomaly normal → normal', 'hi normal → normal']);
    expect(() => bench.say('comment', 3000, { rule: 'lolo' })).toThrow('no alarm to comment (lolo)');
  });
});

describe('what is put away', () => {
  it.each([
    ['suppress', 'unsuppress', 'suppressedByDesign'],
    ['outOfService', 'inService', 'outOfService'],
  ] as const)('%s: not raised, not shown, watched underneath, back with %s', (away, back, word) => {
    const bench = new Bench('required').row(1000, 80).say(away, 2000, { rule: 'hi' });
    expect(bench.words).toEqual(['hi normal → unacknowledged', `hi unacknowledged → ${word}`]);
    expect(bench.last).toMatchObject({ verb: away, by: 'ada', comment: `why ${away}`, atMs: 2000, stoodSinceMs: 1000 });
    expect(bench.alarms.document()).toMatchObject({
      state: 'normal',
      alarms: [{ rule: 'hi', state: word, sinceMs: 2000, shelvedUntilMs: null }],
    });
    // It goes and comes underneath: nobody hears of it, for as long as it takes.
    bench.row(3000, 60).row(3_000_000, 90);
    expect(bench.words).toHaveLength(2);
    expect(() => bench.say(away, 3_000_500, { rule: 'hi' })).toThrow(`no alarm to ${away} (hi)`);
    const after = bench.again();
    expect(after.state('hi')).toBe(word);
    after.say(back, 3_001_000, { rule: 'hi' });
    expect(after.words).toEqual([`hi ${word} → unacknowledged`]);
    expect(after.last).toMatchObject({ verb: back, by: 'ada' });
    expect(() => after.say(back, 3_002_000, { rule: 'hi' })).toThrow(`no alarm to ${back} (hi)`);
  });

  it('before anything stands comes back as normal', () => {
    const bench = new Bench().row(1000, 60).say('outOfService', 2000, { rule: 'hi' }).row(3000, 80).row(4000, 60);
    bench.say('inService', 5000, { rule: 'hi' });
    expect(bench.words).toEqual(['hi normal → outOfService', 'hi outOfService → normal']);
  });

  it('by a person stays away when the machine has stood still; by a stop it comes back with the machine', () => {
    const bench = new Bench().row(1000, 60).score(1000, 2).say('suppress', 2000, { rule: 'anomaly' });
    bench.row(3000, 60, { running: false }).row(4000, 60).score(4000, 2);
    expect(bench.state('anomaly')).toBe('suppressedByDesign');
    bench.say('unsuppress', 5000, { rule: 'anomaly' });
    expect(bench.state('anomaly')).toBe('unacknowledged');
    bench.row(6000, 60, { running: false });
    expect(bench.state('anomaly')).toBe('suppressedByDesign');
    expect(bench.again().row(7000, 60).state('anomaly')).toBe('normal');
  });

  it('stopped, as a version before has saved it, comes back with the machine', () => {
    const bench = new Bench().row(1000, 60).score(1000, 2).row(2000, 60, { running: false });
    const saved = JSON.parse(JSON.stringify(bench.alarms.save())) as SavedAlarms;
    const points = saved.points.map(({ flags: { resting, ...flags }, ...point }) => ({
      ...point,
      flags: { ...flags, suppressed: flags.suppressed || resting === true },
    }));
    const after = new Bench();
    after.alarms.restore({ ...saved, points });
    expect(after.state('anomaly')).toBe('suppressedByDesign');
    expect(after.row(3000, 60).state('anomaly')).toBe('normal');
  });

  it('for a time comes back at that time, by itself; put away again for longer is a row of its own', () => {
    const bench = new Bench('required').row(1000, 80).say('shelve', 2000, { rule: 'hi', forMs: 10_000 });
    expect(bench.alarms.document().alarms).toMatchObject([{ state: 'shelved', shelvedUntilMs: 12_000 }]);
    bench.say('shelve', 5000, { rule: 'hi', forMs: 20_000, comment: 'longer' });
    expect(bench.last).toMatchObject({ verb: 'shelve', from: 'shelved', to: 'shelved', comment: 'longer' });
    bench.row(12_000, 80).row(24_999, 80);
    expect(bench.state('hi')).toBe('shelved');
    bench.row(25_000, 80);
    expect(bench.words.at(-1)).toBe('hi shelved → unacknowledged');
    expect(bench.last).toMatchObject({ verb: null, by: null, comment: null, atMs: 25_000 });
  });
});

describe('work on the machine', () => {
  it('is kept with who announced it, whether anything stood or not', () => {
    const bench = new Bench().row(1000, 60).score(1000, 0.5).say('maintenanceStart', 2000, { forMs: 60_000, comment: 'new bearing' });
    expect(bench.last).toMatchObject({ verb: 'maintenanceStart', by: 'ada', comment: 'new bearing', to: 'suppressedByDesign' });
    bench.say('maintenanceEnd', 3000);
    expect(bench.last).toMatchObject({ verb: 'maintenanceEnd', by: 'ada', to: 'normal' });
    bench.row(4000, 60, { running: false }).say('maintenanceStart', 5000, { forMs: 60_000 });
    expect(bench.last).toMatchObject({ verb: 'maintenanceStart', from: 'suppressedByDesign', to: 'suppressedByDesign', message: '' });
    bench.say('tagReplaced', 6000, { tag: 'press/oil-temp' });
    expect(bench.last).toMatchObject({ verb: 'tagReplaced', by: 'ada', message: 'press/oil-temp has a new sensor' });
  });
});
