import { describe, expect, it } from 'vitest';
import type { SavedAlarms } from '../../src/alarms/saved-alarms.ts';
import { AlarmsBench } from './alarms-bench.ts';

describe('the anomaly alarm', () => {
  it('is raised above the limit, explained, and over below the deadband', () => {
    const bench = new AlarmsBench().score(1000, 0.5).score(2000, 2.34).score(3000, 0.95).score(4000, 0.89);
    expect(bench.words).toEqual(['anomaly normal → unacknowledged', 'anomaly unacknowledged → returnedUnacknowledged']);
    expect(bench.transitions[0]).toMatchObject({
      id: 'line1/press:anomaly:2000:normal>unacknowledged',
      sequence: 1,
      atMs: 2000,
      message: 'press/oil-temp 71.4 °C, expected 58 to 63; 2.3 × the limit',
      advice: 'Check the oil filter',
      consequence: 'The press stops within a shift',
      model: 'press@1.0.0',
    });
    expect(bench.transitions[1]?.message).toMatch(/^over: /);
  });

  it('waits for on-delay and off-delay in event time, and a moment without verdict changes nothing', () => {
    const bench = new AlarmsBench({ alarm: { onDelayMs: 3000, offDelayMs: 2000 } });
    bench.score(1000, 2).score(2000, 0.5).score(3000, 2).score(5000, 2);
    expect(bench.words).toEqual([]);
    bench.alarms.invalid(5500);
    bench.score(6000, 2);
    expect(bench.words).toHaveLength(1);
    bench.score(7000, 0.5).score(8000, 2).score(9000, 0.5).score(10_999, 0.5);
    expect(bench.words).toHaveLength(1);
    bench.score(11_000, 0.5);
    expect(bench.words).toHaveLength(2);
  });

  it('begins over the limit only, whatever a detector still holds from before a stop', () => {
    const bench = new AlarmsBench();
    const judged = (endMs: number, ratio: number, active: boolean): void =>
      bench.alarms.score(endMs, ratio, 'press@1.0.0', () => [], active);
    judged(1000, 2, true);
    judged(2000, 0.4, true);
    expect(bench.words).toEqual(['anomaly normal → unacknowledged']);
    bench.row(3000, 60, { running: false }).row(4000, 60);
    judged(4000, 0.4, true);
    expect(bench.alarms.document().alarms).toEqual([]);
    judged(5000, 1.3, true);
    expect(bench.words.at(-1)).toBe('anomaly normal → unacknowledged');
  });

  it('needs nobody when acknowledgement is automatic', () => {
    const bench = new AlarmsBench({ alarm: { acknowledge: 'automatic' } }).score(1000, 2).score(2000, 0.5);
    expect(bench.words).toEqual(['anomaly normal → unacknowledged', 'anomaly unacknowledged → normal']);
  });

  it('latches until a person resets it', () => {
    const bench = new AlarmsBench({ alarm: { latching: true } }).score(1000, 2).score(2000, 0.5);
    bench.alarms.command({ verb: 'acknowledge', asset: 'line1/press', by: 'ada' }, 3000);
    bench.alarms.command({ verb: 'reset', asset: 'line1/press', by: 'ada', comment: 'filter changed' }, 4000);
    expect(bench.words.slice(1)).toEqual([
      'anomaly unacknowledged → latchedUnacknowledged',
      'anomaly latchedUnacknowledged → latchedAcknowledged',
      'anomaly latchedAcknowledged → normal',
    ]);
    expect(bench.transitions.at(-1)).toMatchObject({ by: 'ada', comment: 'filter changed' });
  });

  it('is shelved for a time, watched underneath, and comes back', () => {
    const bench = new AlarmsBench().score(1000, 2);
    bench.alarms.command({ verb: 'shelve', asset: 'line1/press', by: 'ada', forMs: 10_000 }, 2000);
    bench.score(3000, 2).score(11_999, 2);
    expect(bench.alarms.document().state).toBe('normal');
    bench.score(12_000, 2);
    expect(bench.words).toEqual([
      'anomaly normal → unacknowledged',
      'anomaly unacknowledged → shelved',
      'anomaly shelved → unacknowledged',
    ]);
  });

  it('refuses a command that fits nothing', () => {
    expect(() => new AlarmsBench().alarms.command({ verb: 'acknowledge', asset: 'line1/press', by: 'ada' }, 1)).toThrow(
      expect.objectContaining({ code: 'FETTLE_COMMAND_INVALID' }),
    );
  });

  it('is suppressed by design while the machine stands still; its high limits are not', () => {
    const bench = new AlarmsBench().score(1000, 2).row(2000, 60, { running: false }).score(3000, 3).row(4000, 80, { running: false });
    expect(bench.words).toEqual([
      'anomaly normal → unacknowledged',
      'anomaly unacknowledged → suppressedByDesign',
      'hi normal → unacknowledged',
    ]);
    bench.row(5000, 60);
    expect(bench.words.at(-2)).toBe('anomaly suppressedByDesign → normal');
  });
});

describe('tag limits', () => {
  it('go through the same machinery and the same list', () => {
    const bench = new AlarmsBench().row(1000, 70).row(2000, 76).row(3000, 86).row(4000, 84).row(5000, 82).row(6000, 72);
    expect(bench.words).toEqual([
      'hi normal → unacknowledged',
      'hihi normal → unacknowledged',
      'hihi unacknowledged → returnedUnacknowledged',
      'hi unacknowledged → returnedUnacknowledged',
    ]);
    expect(bench.transitions[0]?.message).toBe('press/oil-temp 76 °C is above its high limit of 75 °C');
    expect(bench.alarms.document().alarms.map(({ rule }) => rule)).toEqual(['hihi', 'hi']);
  });

  it('watch low limits and the rate of change', () => {
    const bench = new AlarmsBench({ tag: { limits: { lo: 10, rate: 5 }, deadband: 0 } })
      .row(1000, 20)
      .row(2000, 26)
      .row(3000, 27)
      .row(4000, 9);
    expect(bench.words).toEqual([
      'rate normal → unacknowledged',
      'rate unacknowledged → returnedUnacknowledged',
      'lo normal → unacknowledged',
      'rate returnedUnacknowledged → unacknowledged',
    ]);
  });

  it('judge samples, not values carried forward', () => {
    const bench = new AlarmsBench().row(1000, 70).row(2000, 90, { state: 1 });
    expect(bench.words).toEqual([]);
  });

  it('notice a sensor that does not move, and one that gives nothing usable', () => {
    const bench = new AlarmsBench({ tag: { limits: {}, flatlineMs: 3000, badQualityMs: 2000 } });
    for (let t = 1000; t <= 4000; t += 1000) bench.row(t, 42);
    expect(bench.words).toEqual(['flatline normal → unacknowledged']);
    expect(bench.transitions[0]?.message).toBe('press/oil-temp has not moved from 42 °C for 3 s');
    expect(bench.transitions[0]).toMatchObject({ cause: { sinceMs: 1000 }, findings: [{ value: 42 }] });
    bench.row(5000, 43);
    for (let t = 6000; t <= 8000; t += 1000) bench.row(t, Number.NaN, { state: 4, quality: 0x80 });
    expect(bench.words.slice(1)).toEqual(['flatline unacknowledged → returnedUnacknowledged', 'badQuality normal → unacknowledged']);
    expect(bench.transitions.at(-1)?.message).toContain('no communication since');
    expect(bench.transitions.at(-1)?.cause).toEqual({ sinceMs: 6000, quality: 'badNoCommunication' });
  });
});

describe('advice and consequence', () => {
  it('are those of the asset for its anomaly, in each transition and in the standing alarm; a limit of a tag has its own advice', () => {
    const bench = new AlarmsBench({ tag: { advice: 'Open the cooler' } }).score(1000, 2).row(2000, 76).score(2000, 0.1);
    const consequence = 'The press stops within a shift';
    const said = bench.transitions.map((transition) => [transition.rule, transition.advice, transition.consequence]);
    expect(said).toEqual([
      ['anomaly', 'Check the oil filter', consequence],
      ['hi', 'Open the cooler', null],
      ['anomaly', 'Check the oil filter', consequence],
    ]);
    expect(bench.alarms.document().alarms).toMatchObject([
      { rule: 'anomaly', advice: 'Check the oil filter', consequence },
      { rule: 'hi', advice: 'Open the cooler', consequence: null },
    ]);
  });

  it('has the consequence when nobody watches, too', () => {
    const bench = new AlarmsBench().score(1000, 0.5);
    bench.alarms.clock(61_000);
    expect(bench.transitions).toMatchObject([{ rule: 'notWatched', consequence: 'The press stops within a shift' }]);
  });

  it('are null where nobody gave them', () => {
    const bench = new AlarmsBench({ alarm: { advice: null, consequence: null } }).score(1000, 2);
    expect(bench.transitions).toMatchObject([{ advice: null, consequence: null }]);
  });

  it('are of today, not of the state that is restored', () => {
    const saved = JSON.parse(JSON.stringify(new AlarmsBench({ alarm: { consequence: null } }).score(1000, 2).alarms.save())) as SavedAlarms;
    // What 0.1 wrote: nothing of advice or consequence is in a saved state.
    expect(Object.keys(saved.points[0] as object)).not.toContain('advice');
    expect(Object.keys(saved.points[0] as object)).not.toContain('consequence');
    const bench = new AlarmsBench();
    bench.alarms.restore(saved);
    expect(bench.alarms.document().alarms).toMatchObject([{ rule: 'anomaly', consequence: 'The press stops within a shift' }]);
  });
});

describe('a state that the detector has got used to', () => {
  const watched = (bench: AlarmsBench, endMs: number, active: boolean, rearmed: boolean): void =>
    bench.alarms.score(endMs, active ? 2 : 0.5, 'press@1.0.0', () => [], active, rearmed);
  const grown = (): AlarmsBench => {
    const bench = new AlarmsBench({ alarm: { acknowledge: 'automatic' } });
    watched(bench, 1000, true, false);
    watched(bench, 2000, true, true);
    watched(bench, 3000, false, false);
    return bench;
  };
  const say = (bench: AlarmsBench, verb: 'real' | 'newNormal' | 'acknowledge', atMs: number): void =>
    bench.alarms.command({ verb, asset: 'line1/press', by: 'ada' }, atMs);

  it('stays open, across a restart too, until a person says what it is', () => {
    for (const verb of ['real', 'newNormal'] as const) {
      const bench = grown();
      const after = new AlarmsBench({ alarm: { acknowledge: 'automatic' } });
      after.alarms.restore(JSON.parse(JSON.stringify(bench.alarms.save())) as SavedAlarms);
      expect(after.alarms.document().alarms).toMatchObject([{ rule: 'anomaly', state: 'latchedUnacknowledged' }]);
      expect(after.alarms.document().alarms[0]?.message).toContain('a fault (real) or newNormal?');
      say(after, 'acknowledge', 4000);
      expect(after.alarms.document().alarms).toMatchObject([{ state: 'latchedAcknowledged' }]);
      say(after, verb, 5000);
      expect(after.alarms.document().alarms).toEqual([]);
    }
  });

  it('is not asked about again once it was called a fault', () => {
    const bench = new AlarmsBench({ alarm: { acknowledge: 'automatic' } });
    watched(bench, 1000, true, false);
    watched(bench, 2000, true, true);
    say(bench, 'real', 2500);
    watched(bench, 3000, true, true);
    watched(bench, 4000, false, false);
    expect(bench.alarms.document().alarms).toEqual([]);
    // The next one is a new question.
    watched(bench, 5000, true, false);
    watched(bench, 6000, true, true);
    watched(bench, 7000, false, false);
    expect(bench.alarms.document().alarms).toMatchObject([{ state: 'latchedUnacknowledged' }]);
  });
});

describe('a limit that is crossed again and again', () => {
  it('is one alarm that holds until it has been quiet for ten minutes', () => {
    const bench = new AlarmsBench({ alarm: { acknowledge: 'automatic' } });
    for (let minute = 0; minute < 60; minute++) bench.row(minute * 60_000 + 1000, minute % 2 === 0 ? 80 : 60);
    expect(bench.words.filter((word) => word.startsWith('hi '))).toEqual([
      'hi normal → unacknowledged',
      'hi unacknowledged → normal',
      'hi normal → unacknowledged',
      'hi unacknowledged → normal',
      'hi normal → unacknowledged',
    ]);
    for (let minute = 60; minute < 72; minute++) bench.row(minute * 60_000 + 1000, 60);
    expect(bench.words.at(-1)).toBe('hi unacknowledged → normal');
    bench.row(80 * 60_000, 80).row(81 * 60_000, 60);
    expect(bench.words.slice(-2)).toEqual(['hi normal → unacknowledged', 'hi unacknowledged → normal']);
  });
});

describe('maintenance', () => {
  const start = (bench: AlarmsBench, atMs: number, forMs: number): void =>
    bench.alarms.command({ verb: 'maintenanceStart', asset: 'line1/press', by: 'ada', forMs, comment: 'new bearing' }, atMs);
  const stretch = 100_000;

  it('raises nothing, not even limits, says who works on it and until when, and is over by itself', () => {
    const bench = new AlarmsBench({ alarm: { acknowledge: 'automatic' } }).row(1000, 60).score(1000, 2);
    expect(bench.alarms.document().state).toBe('active');
    start(bench, 1500, stretch);
    expect(bench.alarms.document()).toMatchObject({ state: 'normal', alarms: [{ rule: 'anomaly', state: 'suppressedByDesign' }] });
    expect(bench.alarms.document().watchingText).toMatch(
      /^maintenance until \d{4}-\d\d-\d\d \d\d:\d\d [+-]\d\d:\d\d: new bearing \(ada\)$/,
    );
    const before = bench.transitions.length;
    bench.row(2000, 90, { running: false }).score(2000, 5).row(3000, 90, { running: false });
    bench.alarms.clock(90_000);
    expect(bench.transitions.length).toBe(before);
    const after = new AlarmsBench({ alarm: { acknowledge: 'automatic' } });
    after.alarms.restore(JSON.parse(JSON.stringify(bench.alarms.save())) as SavedAlarms);
    expect(after.alarms.document().watchingText).toContain('maintenance until');
    after.row(102_000, 60).score(102_000, 0.5);
    expect(after.alarms.document()).toMatchObject({ state: 'normal', alarms: [], watching: 'yes' });
    after.row(103_000, 80);
    expect(after.words.at(-1)).toBe('hi normal → unacknowledged');
  });

  it('ends when a person says so, and a machine that then sends nothing is missed', () => {
    const bench = new AlarmsBench().row(1000, 60).score(1000, 0.5);
    start(bench, 1500, stretch);
    bench.alarms.command({ verb: 'maintenanceEnd', asset: 'line1/press', by: 'ada' }, 5000);
    bench.row(6000, 80);
    expect(bench.words.at(-1)).toBe('hi normal → unacknowledged');
    start(bench, 7000, stretch);
    bench.alarms.clock(120_000);
    expect(bench.words.at(-1)).not.toContain('notWatched');
    bench.alarms.clock(200_000);
    expect(bench.words.at(-1)).toBe('notWatched normal → unacknowledged');
  });
});

describe('a model of a first stretch', () => {
  it('is told of, and its verdicts are marked', () => {
    const bench = new AlarmsBench({ settings: { provisional: true } }).row(1000, 60).score(1000, 2);
    expect(bench.alarms.document().watchingText).toBe('watching all 2 tags with a provisional model');
    expect(bench.transitions).toMatchObject([{ rule: 'anomaly', provisional: true }]);
  });
});

describe('silence', () => {
  it('is not health: an asset that could not be judged says so, and which tag is to blame', () => {
    const bench = new AlarmsBench().score(1000, 0.5).row(2000, Number.NaN, { state: 3 });
    expect(bench.alarms.document().watching).toBe('partial');
    bench.alarms.clock(61_000);
    expect(bench.words).toEqual(['notWatched normal → unacknowledged']);
    expect(bench.transitions[0]?.message).toMatch(/watching 1 of 2 tags; press\/oil-temp silent since 1970-01-01 \d\d:\d\d [+-]\d\d:\d\d$/);
    expect(bench.transitions[0]?.cause).toEqual({ sinceMs: 1000 });
    expect(bench.alarms.document().watched?.silent).toEqual([{ tag: 'press/oil-temp', sinceMs: 2000, quality: 'missing' }]);
    expect(bench.alarms.document().watching).toBe('no');
    bench.row(62_000, 60).score(62_000, 0.4);
    expect(bench.words.at(-1)).toBe('notWatched unacknowledged → normal');
    expect(bench.alarms.document().watching).toBe('yes');
  });
});

describe('the state', () => {
  it('goes on after a restart exactly as without one', () => {
    const steps: ((bench: AlarmsBench) => void)[] = [
      (b) => b.row(1000, 70),
      (b) => b.score(1000, 2),
      (b) => b.row(2000, 76),
      (b) => b.alarms.command({ verb: 'shelve', asset: 'line1/press', by: 'ada', rule: 'hi', forMs: 2500 }, 2000),
      (b) => b.score(3000, 0.2),
      (b) => b.row(4000, 90),
      (b) => b.row(5000, Number.NaN, { state: 4, quality: 0x80 }),
      (b) => b.alarms.clock(90_000),
      (b) => b.score(91_000, 3),
    ];
    const whole = new AlarmsBench({ alarm: { onDelayMs: 0, offDelayMs: 1000 } });
    for (const step of steps) step(whole);
    for (let cut = 0; cut <= steps.length; cut++) {
      const before = new AlarmsBench({ alarm: { onDelayMs: 0, offDelayMs: 1000 } });
      for (const step of steps.slice(0, cut)) step(before);
      const after = new AlarmsBench({ alarm: { onDelayMs: 0, offDelayMs: 1000 } });
      after.alarms.restore(JSON.parse(JSON.stringify(before.alarms.save())) as SavedAlarms);
      for (const step of steps.slice(cut)) step(after);
      expect([...before.transitions, ...after.transitions]).toEqual(whole.transitions);
      expect(after.alarms.document()).toEqual(whole.alarms.document());
    }
  });

  it('numbers the transitions of an asset without a gap', () => {
    const bench = new AlarmsBench().row(1000, 90).score(2000, 2).score(3000, 0.1).row(4000, 60);
    expect(bench.transitions.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6].slice(0, bench.transitions.length));
    expect(bench.alarms.document().sequence).toBe(bench.transitions.length);
  });

  it('is not what fills a window after a start; but what was said before ends with a verdict only', () => {
    const bench = new AlarmsBench().row(1000, 60).score(1000, 0.5);
    for (let endMs = 20_000; endMs <= 120_000; endMs += 20_000) {
      bench.row(endMs, 60);
      bench.alarms.invalid(endMs, 'filling');
    }
    expect(bench.words).toEqual([]);
    bench.row(140_000, 60).row(180_000, 60);
    expect(bench.words).toEqual(['notWatched normal → unacknowledged']);
    bench.alarms.invalid(180_000, 'filling');
    expect(bench.words).toHaveLength(1);
    bench.row(190_000, 60).score(190_000, 0.5);
    expect(bench.words.at(-1)).toBe('notWatched unacknowledged → normal');
  });

  it('goes on filling where a restart finds it', () => {
    const bench = new AlarmsBench().row(1000, 60).score(1000, 0.5).row(50_000, 60);
    bench.alarms.invalid(50_000, 'filling');
    const again = new AlarmsBench();
    again.alarms.restore(JSON.parse(JSON.stringify(bench.alarms.save())) as SavedAlarms);
    again.row(100_000, 60);
    expect(again.words).toEqual([]);
    again.row(111_000, 60);
    expect(again.words).toEqual(['notWatched normal → unacknowledged']);
  });
});
