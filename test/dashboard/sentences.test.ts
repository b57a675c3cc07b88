import { describe, expect, it } from 'vitest';
import type { AlarmTransition, AssetAlarmState, Finding } from '../../src/core/alarm.ts';
import { quality } from '../../src/core/quality.ts';
import { invalidReasons } from '../../src/core/window.ts';
import {
  alarmSentence,
  doingSentence,
  learningSentence,
  type ToldAlarm,
  transitionSentence,
  watchingSentence,
} from '../../src/dashboard/sentences.ts';
import { german } from '../../src/dashboard/texts-de.ts';
import { english } from '../../src/dashboard/texts-en.ts';
import { Words } from '../../src/dashboard/words.ts';
import type { LearningStatus } from '../../src/gateway/learner.ts';

const inEnglish = new Words('en', 'en-GB', 'Europe/Berlin');
const inGerman = new Words('de', 'de-DE', 'Europe/Berlin');
const raisedMs = Date.parse('2020-01-05T15:07:30Z');
/** In no sentence of the page. */
const server = 'THE SERVER SAID IT IN ENGLISH';

const finding = (tag: string, value: number, expected: Finding['expected'], share: number | null, unit = '°C'): Finding => ({
  tag,
  value,
  expected,
  engineeringUnit: unit,
  share,
});
const told = (alarm: Partial<ToldAlarm> & Pick<ToldAlarm, 'rule'>): ToldAlarm => ({
  asset: 'line1/press',
  tag: null,
  ratio: null,
  message: server,
  findings: [],
  ...alarm,
});

describe('the sentence of an alarm', () => {
  const anomaly = told({
    rule: 'anomaly',
    ratio: 11.4,
    findings: [
      finding('line1/press/oil-temp', 71.42, [58, 63.5], 0.7),
      finding('line2/flow', 1280.3, [1000, 1100.25], 0.2, 'l/min'),
      finding('line1/press/x', 1, [0, 2], 0.1),
    ],
  });

  it('names value, what was expected and how far over the limit, with the decimal marks of the language', () => {
    expect(alarmSentence(anomaly, inEnglish)).toBe(
      'oil-temp 71.42 °C, expected 58 to 63.5; line2/flow 1,280 l/min, expected 1,000 to 1,100; 11 × the limit',
    );
    expect(alarmSentence(anomaly, inGerman)).toBe(
      'oil-temp 71,42 °C, erwartet 58 bis 63,5; line2/flow 1.280 l/min, erwartet 1.000 bis 1.100; das 11-Fache der Grenze',
    );
    expect(alarmSentence(anomaly, inGerman, { withRatio: false })).not.toContain('Grenze');
  });

  it("is made for every rule from what is told as data, in the reader's time", () => {
    const tag = 'line1/press/oil-temp';
    const findings = [finding(tag, 76, null, null)];
    const sinceMs = raisedMs;
    const said = (alarm: Partial<ToldAlarm> & Pick<ToldAlarm, 'rule'>): string => alarmSentence(told({ tag, ...alarm }), inGerman);
    expect(said({ rule: 'hi', findings, cause: { limit: 75.5 } })).toBe('oil-temp 76 °C liegt über der Grenze von 75,5 °C');
    // As a version before kept it.
    expect(said({ rule: 'lolo', findings, ratio: 0.5 })).toBe('oil-temp 76 °C liegt unter der untersten Grenze von 152 °C');
    expect(said({ rule: 'rate', findings, cause: { limit: 2 } })).toBe('oil-temp ändert sich um 76 °C/s, erlaubt sind 2 °C/s');
    expect(said({ rule: 'flatline', findings, cause: { sinceMs } })).toBe('oil-temp steht seit 05.01.20, 16:07:30 bei 76 °C');
    expect(said({ rule: 'badQuality', cause: { sinceMs, quality: 'badNoCommunication' } })).toBe(
      'oil-temp: keine Kommunikation seit 05.01.20, 16:07:30',
    );
    expect(said({ rule: 'notWatched', cause: { sinceMs } })).toBe('Nicht überwacht seit 05.01.20, 16:07:30');
    expect(said({ rule: 'drift', ratio: 1.31, cause: { channel: tag } })).toBe(
      'Langsame Veränderung: oil-temp passt nicht mehr zu den anderen Kanälen; das 1,3-Fache der Grenze',
    );
    expect(said({ rule: 'drift', cause: { channel: tag, keptOpen: true } })).toContain('„Neuer Normalzustand“?');
  });

  it('is that of the gateway where the page knows too little, and the rule where nobody said anything', () => {
    expect(alarmSentence(told({ rule: 'flatline', tag: 'a' }), inGerman)).toBe(server);
    expect(alarmSentence(told({ rule: 'flatline', tag: 'a', message: '' }), inGerman)).toBe('bewegt sich nicht');
  });

  it('says of a transition that it is over, once', () => {
    const transition = {
      ...anomaly,
      ratio: 11.4,
      asset: 'line1/press',
      from: 'unacknowledged',
      to: 'returnedUnacknowledged',
      message: 'over: something',
    } as unknown as AlarmTransition;
    expect(transitionSentence(transition, inGerman)).toMatch(/^Vorbei: oil-temp 71,42/);
    expect(transitionSentence({ ...transition, findings: [] }, inGerman)).toBe('Vorbei: something');
    expect(transitionSentence({ ...transition, to: 'acknowledged' }, inGerman)).toMatch(/^oil-temp/);
    expect(transitionSentence({ ...transition, withdrawn: true }, inGerman)).toMatch(/^Zurückgenommen/);
  });
});

describe('the sentence about watching', () => {
  const state = (watched: Partial<NonNullable<AssetAlarmState['watched']>>): AssetAlarmState => ({
    asset: 'line1/press',
    sequence: 1,
    state: 'normal',
    watching: 'yes',
    watchingText: server,
    watched: { tags: 3, silent: [], stopped: false, maintenance: null, learning: false, provisional: false, newContext: null, ...watched },
    alarms: [],
    atMs: raisedMs,
  });

  it('counts one and many as the language does', () => {
    expect(watchingSentence(state({}), inEnglish)).toBe('Watching all 3 tags');
    expect(watchingSentence(state({ tags: 1 }), inEnglish)).toBe('Watching 1 tag');
    expect(watchingSentence(state({ tags: 1, learning: true }), inGerman)).toBe('Lernt aus 1 Tag, was normal ist');
  });

  it('says what is silent since when, that the machine stands still, who works on it, what is new', () => {
    const silent = [0, 1, 2, 3].map((i) => ({ tag: `line1/press/${i}`, sinceMs: raisedMs, quality: 'badNoCommunication' as const }));
    expect(watchingSentence(state({ tags: 6, silent, stopped: true }), inGerman)).toBe(
      'Die Maschine steht, ihre Anomalien sind unterdrückt. Überwacht 2 von 6 Tags; 0: keine Kommunikation seit 05.01.20, 16:07:30; ' +
        '1: keine Kommunikation seit 05.01.20, 16:07:30; 2: keine Kommunikation seit 05.01.20, 16:07:30; und ein weiterer',
    );
    expect(watchingSentence(state({ maintenance: { untilMs: raisedMs, by: 'ada', reason: null } }), inEnglish)).toBe(
      'Maintenance until 05/01/2020, 16:07:30 (ada)',
    );
    expect(watchingSentence(state({ newContext: { label: 'product', name: '17' } }), inEnglish)).toBe('New product 17, learning');
  });
});

describe('the sentence about learning', () => {
  const lesson: LearningStatus = {
    stage: 'provisional',
    text: server,
    seenMs: 78_000,
    wantedMs: 90_000,
    found: {},
    failure: null,
    progress: null,
    candidate: null,
  };

  it('says how far it is, what it found, what waits', () => {
    expect(learningSentence(lesson, inGerman)).toBe('Vorläufiges Modell: 1 min 18 s von 1 min 30 s Laufzeit gesehen');
    const tally = { active: { rows: 9, alarms: 2, alarmRows: 3 }, candidate: { rows: 1200, alarms: 1, alarmRows: 1 } };
    const more = {
      ...lesson,
      found: { idle: { load: 'speed > 3', share: 0.4 } },
      candidate: { bundle: 'x', reason: 'slow change', tally },
    };
    expect(learningSentence(more as unknown as LearningStatus, inGerman)).toBe(
      'Vorläufiges Modell: 1 min 18 s von 1 min 30 s Laufzeit gesehen. Scheint auf zwei Arten zu laufen, speed > 3 in 40\u00a0% des Gelernten: beide gelten als normal. ' +
        'Ein Kandidat (langsame Veränderung) urteilt daneben: 1 Alarm in 1.200 Zeilen, 2 vom geltenden Modell',
    );
  });

  it('says what it does, in words of the language as far as the page knows them', () => {
    expect(doingSentence('training dense: epoch 3 of 40, error 0.0123', inGerman)).toBe('übt dense, Durchgang 3 von 40');
    expect(doingSentence('reading its history', inGerman)).toBe('liest den Verlauf');
    expect(doingSentence('something new', inGerman)).toBe('something new');
  });
});

describe('the catalogues', () => {
  it('have the same places to fill in every language', () => {
    const places = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g))].sort();
    for (const key of Object.keys(english) as (keyof typeof english)[])
      expect([key, ...places(german[key])]).toEqual([key, ...places(english[key])]);
  });

  it('have a word for every quality and every reason of a window without a score', () => {
    const words = [...Object.keys(quality), 'missing']
      .map((name) => `quality.${name}`)
      .concat(invalidReasons.map((reason) => `reason.${reason}`));
    expect(words.filter((key) => !(key in english))).toEqual([]);
  });
});
