import { describe, expect, it } from 'vitest';
import { metricsOf } from '../../../src/learning/evaluation/metrics.ts';
import { poissonLower, poissonUpper } from '../../../src/learning/evaluation/poisson.ts';
import { drawn } from './series.ts';

const of = (...sketches: Parameters<typeof drawn>[0][]) => metricsOf(sketches.map(drawn));

describe('rows', () => {
  it('are counted at the limit the detector had', () => {
    const metrics = of({ label: '....####..', alarm: '.!..!!!...' });
    expect(metrics.f1).toBeCloseTo((2 * 3) / (2 * 3 + 1 + 1), 12);
    expect(metrics.far).toBeCloseTo(1 / 6, 12);
    expect(metrics.mar).toBeCloseTo(1 / 4, 12);
    expect(metrics.alwaysAlarmF1).toBeCloseTo(8 / 14, 12);
    expect(metrics).toMatchObject({ rows: 10, anomalousRows: 4, rowsWithoutVerdict: 0 });
  });

  it('without a verdict are not alarmed, rank below every score and are no time under watch', () => {
    const metrics = of({ label: '....##', alarm: '....!.', score: [undefined, 0.1, 0.2, 0.3, 2, undefined], stepMs: 3_600_000 });
    expect(metrics.mar).toBe(0.5);
    // Against 4 normal rows: the scored one beats all 4, the unscored one ties with 1 and loses to 3.
    expect(metrics.auc).toBeCloseTo((4 + 0.5) / 8, 12);
    expect(metrics).toMatchObject({ rowsWithoutVerdict: 2, normalHours: 3 });
  });

  it('of one kind only leave undefined what needs the other', () => {
    const normal = of({ label: '....', alarm: '.!..' });
    expect(normal).toMatchObject({ f1: NaN, mar: NaN, auc: NaN, ap: NaN, vusPr: NaN, eventRecall: NaN, delayMedianS: NaN, far: 0.25 });
    expect(normal).toMatchObject({ missed: 0, episodes: 1 });
    const anomalous = of({ label: '####', alarm: '..!!' });
    expect(anomalous).toMatchObject({
      far: NaN,
      auc: NaN,
      episodesPerDay: NaN,
      normalHours: 0,
      ap: NaN,
      vusPr: NaN,
      mar: 0.5,
      eventRecall: 1,
    });
    expect(of()).toMatchObject({ rows: 0, f1: NaN, far: NaN });
  });
});

describe('ranking', () => {
  it('counts a tie half in the AUC', () => {
    expect(of({ label: '..##', score: [1, 2, 2, 3] }).auc).toBeCloseTo(3.5 / 4, 12);
    expect(of({ label: '..##', score: [1, 1, 1, 1] }).auc).toBe(0.5);
    expect(of({ label: '##..', score: [0, 0, 1, 1] }).auc).toBe(0);
  });

  it('takes the precision at each distinct score for the average precision', () => {
    // 3: 1 of 1; 2 (tied): 2 of 3; 0: 3 of 5.
    const { ap } = of({ label: '#.#.#', score: [3, 2, 2, 1, 0] });
    expect(ap).toBeCloseTo((1 + 2 / 3 + 3 / 5) / 3, 12);
  });

  it('pools scores as they are', () => {
    const first = { label: '..##', score: [0.1, 0.2, 0.9, 0.9] };
    const second = { label: '..##', score: [1, 1.1, 2, 3] };
    expect(of(first).auc).toBe(1);
    expect(of(second).auc).toBe(1);
    expect(of(first, second).auc).toBeCloseTo((4 + 8) / 16, 2);
  });
});

describe('events', () => {
  it('are found by an alarm inside them only, at its first row', () => {
    const metrics = of({ label: '..###..####..##.', alarm: '......!..!!..!..' });
    //                            missed ^ after: no help  ^ 2 rows late
    expect(metrics).toMatchObject({ events: 3, missed: 1, standingAtOnset: 0 });
    expect(metrics.eventRecall).toBeCloseTo(2 / 3, 12);
    expect([metrics.delayMedianS, metrics.delayP90S]).toEqual([1, 1.8]);
  });

  it('are found at once, and said to be, by an alarm that stood before', () => {
    expect(of({ label: '...###.', alarm: '..!!...' })).toMatchObject({ eventRecall: 1, delayMedianS: 0, standingAtOnset: 1, episodes: 1 });
    expect(of({ label: '...###.', alarm: '..!.!!.' })).toMatchObject({ delayMedianS: 1, standingAtOnset: 0 });
  });

  it('take the delay from the clock, and medians over all recordings', () => {
    const late = drawn({ label: '.###', alarm: '...!', stepMs: 1000 });
    late.timeMs.set([0, 1000, 2000, 600_000]);
    const metrics = metricsOf([late, drawn({ label: '###', alarm: '!!!' }), drawn({ label: '#', alarm: '.' })]);
    expect(metrics).toMatchObject({ delayMedianS: 599 / 2, events: 3, missed: 1 });
  });

  it('do not reach from one recording into the next', () => {
    expect(of({ label: '..##', alarm: '..!!' }, { label: '##..', alarm: '!!..' })).toMatchObject({ events: 2, missed: 0, episodes: 0 });
  });
});

describe('false-alarm episodes', () => {
  const hour = 3_600_000;

  it('are runs of alarm that begin on a normal row', () => {
    expect(of({ label: '..........', alarm: '!!..!...!!' }).episodes).toBe(3);
    expect(of({ label: '..####....', alarm: '...!!!!!..' }).episodes, 'lingering after the event').toBe(0);
    expect(of({ label: '..####....', alarm: '...!!.!!..' }).episodes, 'a new one after the event').toBe(1);
    expect(of({ label: '..####....', alarm: '.!!!!!....' }).episodes, 'begun before the event').toBe(1);
  });

  it('are told a day of normal time, with what 95 % confidence allows', () => {
    const metrics = of({ label: `${'.'.repeat(48)}${'#'.repeat(24)}`, alarm: '.!.!', stepMs: hour });
    expect(metrics).toMatchObject({ normalHours: 48, episodes: 2, episodesPerDay: 1 });
    expect(metrics.episodesPerDayUpper95).toBeCloseTo(6.2958 / 2, 4);
    expect(metrics.episodesPerDayInterval95[0]).toBeCloseTo(0.24221 / 2, 4);
    expect(metrics.episodesPerDayInterval95[1]).toBeCloseTo(7.22469 / 2, 4);
  });
});

describe('Poisson bounds', () => {
  // Garwood 1936, table of exact limits; large counts from the chi-square quantile of scipy 1.17.1.
  it.each([
    [0, 0, 3.68888],
    [1, 0.0253178, 5.571643],
    [10, 4.79539, 18.3904],
    [100, 81.3639, 121.627],
    [1000, 938.973, 1063.95],
    [100_000, 99381.1527, 100621.7447],
  ])('of %i events', (count, lower, upper) => {
    expect(poissonLower(count, 0.975) / (lower || 1)).toBeCloseTo(lower === 0 ? 0 : 1, 5);
    expect(poissonUpper(count, 0.975) / upper).toBeCloseTo(1, 5);
  });

  it('of no event is the rule of three', () => expect(poissonUpper(0, 0.95)).toBeCloseTo(-Math.log(0.05), 9));
});
