import {
  type AlarmCause,
  type AlarmRule,
  type AlarmState,
  type AlarmTransition,
  type AssetAlarmState,
  type Finding,
  isStanding,
} from '../core/alarm.ts';
import type { LearningStatus } from '../gateway/learner.ts';
import type { Text, Words } from './words.ts';

/** What a sentence about an alarm is made of: a standing alarm, a transition, a span of a chart. */
export interface ToldAlarm {
  /** Tags below it are named by what is left of them. */
  readonly asset?: string;
  readonly rule: AlarmRule;
  readonly tag: string | null;
  readonly ratio: number | null;
  readonly message: string;
  readonly findings: readonly Finding[];
  readonly cause?: AlarmCause;
}

/** Of the score: less explains nothing. */
const tellingShare = 0.15;
const tellingFindings = 3;

/**
 * What an alarm says, in the reader's language and time zone; the gateway's own message where it is of a rule or a version that this page does not know.
 * `withRatio: false` leaves out how far over the limit it was when it was raised.
 */
export function alarmSentence(alarm: ToldAlarm, words: Words, { withRatio = true } = {}): string {
  const { cause } = alarm;
  const first = sentenceOf(alarm, words, withRatio);
  return cause?.keptOpen === true ? `${first}. ${words.t('sentence.keptOpen')}` : first;
}

/** The sentence of a change of state: what ended the condition says so. */
export function transitionSentence(transition: AlarmTransition, words: Words): string {
  if (transition.withdrawn === true) return words.t('sentence.withdrawn');
  const { from, to, message } = transition;
  // The message says it already.
  const told = { ...transition, message: message.replace(/^over: /, '') };
  const sentence = alarmSentence(told, words);
  return ends(from, to) && sentence !== '' ? words.t('sentence.over', { sentence }) : sentence;
}

const ends = (from: AlarmState, to: AlarmState): boolean =>
  isStanding(from) && (to === 'normal' || to === 'returnedUnacknowledged' || to.startsWith('latched'));

function sentenceOf({ asset, rule, tag, ratio, message, findings, cause }: ToldAlarm, words: Words, withRatio: boolean): string {
  const t = words.t.bind(words);
  const name = tag === null ? '' : tagName(tag, asset);
  const [first] = findings;
  const over = ratio === null || !withRatio ? [] : [t('score.ofLimit', { ratio: words.number(ratio, 2) })];
  switch (rule) {
    case 'anomaly': {
      const telling = findings.filter(({ share }, i) => i === 0 || (share ?? 0) >= tellingShare).slice(0, tellingFindings);
      if (telling.length === 0) break;
      return [...telling.map((finding) => findingSentence(finding, words, asset)), ...over].join('; ');
    }
    case 'drift':
      if (cause?.channel === undefined) break;
      return [t('sentence.drift', { channel: tagName(cause.channel, asset) }), ...over].join('; ');
    case 'hihi':
    case 'hi':
    case 'lo':
    case 'lolo':
    case 'rate': {
      const limit = limitOf(ratio, first, cause);
      if (first?.value == null || limit === undefined) break;
      const unit = rule === 'rate' ? `${first.engineeringUnit ?? ''}/s` : first.engineeringUnit;
      return t(`sentence.${rule}`, { tag: name, value: words.withUnit(first.value, unit), limit: words.withUnit(limit, unit) });
    }
    case 'flatline':
      if (cause?.sinceMs === undefined || first === undefined) break;
      return t('sentence.flatline', {
        tag: name,
        value: words.withUnit(first.value, first.engineeringUnit),
        when: words.when(cause.sinceMs),
      });
    case 'badQuality':
      if (cause?.sinceMs === undefined || cause.quality === undefined) break;
      return t('sentence.badQuality', { tag: name, quality: words.word('quality', cause.quality), when: words.when(cause.sinceMs) });
    case 'notWatched':
      if (cause?.sinceMs === undefined) break;
      return t('sentence.notWatched', { when: words.when(cause.sinceMs) });
  }
  return message === '' ? words.word('rule', rule) : message;
}

/** The limit that was crossed, for rules that have one; also from what versions before kept. */
export const limitOf = (ratio: number | null, finding: Finding | undefined, cause: AlarmCause | undefined): number | undefined =>
  cause?.limit ?? (ratio !== null && ratio !== 0 && finding?.value != null ? finding.value / ratio : undefined);

function findingSentence({ tag, value, expected, engineeringUnit }: Finding, words: Words, asset: string | undefined): string {
  const name = tagName(tag, asset);
  const shown = value === null ? words.t('sentence.noValue') : words.withUnit(value, engineeringUnit);
  if (expected === null) return `${name} ${shown}`;
  const [low, high] = expected.map((end) => words.number(end)) as [string, string];
  return words.t('sentence.finding', { tag: name, value: shown, low, high });
}

/** How well an asset is watched. */
export function watchingSentence({ asset, watched, watchingText }: AssetAlarmState, words: Words): string {
  if (watched === undefined) return watchingText;
  const { tags, silent, stopped, maintenance, learning, provisional, newContext } = watched;
  const t = words.t.bind(words);
  if (maintenance !== null) {
    const { untilMs, by, reason } = maintenance;
    const when = words.when(untilMs);
    return reason === null ? t('watching.maintenance', { when, by }) : t('watching.maintenanceFor', { when, by, reason });
  }
  const said = stopped ? [t('watching.stopped')] : [];
  if (newContext !== null) said.push(t('watching.newContext', newContext));
  else if (silent.length > 0) {
    const named = silent
      .slice(0, 3)
      .map(({ tag, sinceMs, quality }) =>
        t('watching.silent', { tag: tagName(tag, asset), quality: words.word('quality', quality), when: words.when(sinceMs) }),
      );
    const more = silent.length > 3 ? [t('watching.more', { count: silent.length - 3 })] : [];
    said.push([t('watching.partial', { some: tags - silent.length, count: tags }), ...named, ...more].join('; '));
  } else said.push(t(learning ? 'watching.learning' : provisional ? 'watching.provisionally' : 'watching.all', { count: tags }));
  return said.join('. ');
}

/** How far an asset's learning is. */
export function learningSentence({ stage, seenMs, wantedMs, progress, candidate, found, failure }: LearningStatus, words: Words): string {
  const t = words.t.bind(words);
  if (progress !== null) return t('learning.busy', { doing: doingSentence(progress.doing, words) });
  const said = [t(`learning.${stage}`, { seen: words.duration(seenMs), wanted: words.duration(wantedMs) })];
  if (found.stops !== undefined) said.push(t('learning.stops', { when: found.stops.when, share: words.percent(found.stops.share, 0) }));
  if (found.idle !== undefined) said.push(t('learning.idle', { load: found.idle.load, share: words.percent(found.idle.share, 0) }));
  if (candidate !== null) {
    const { reason, tally } = candidate;
    said.push(
      t('learning.candidate', {
        reason: words.word('why', reason),
        count: tally.candidate.alarms,
        rows: tally.candidate.rows,
        active: tally.active.alarms,
      }),
    );
  }
  if (failure !== null) said.push(t('learning.failed', { reason: failure }));
  return said.join('. ');
}

const doings: readonly (readonly [pattern: RegExp, text: Text])[] = [
  [/^reading its history$/, 'doing.reading'],
  [/^looking for what belongs together$/, 'doing.relating'],
  [/^training (?<family>.+): epoch (?<epoch>\d+) of (?<of>\d+), error .*$/, 'doing.training'],
  [/^calibrating and testing (?<name>.+)$/, 'doing.testing'],
  [/^writing the bundle$/, 'doing.writing'],
];

/** What learning is doing; the gateway's own words where this page does not know them. */
export function doingSentence(doing: string, words: Words): string {
  for (const [pattern, text] of doings) {
    const match = pattern.exec(doing);
    if (match !== null) return words.t(text, { ...match.groups });
  }
  return doing;
}

/** What is left of a tag below its asset. */
export const tagName = (tag: string, asset: string | undefined): string =>
  asset !== undefined && tag.startsWith(`${asset}/`) ? tag.slice(asset.length + 1) : tag;
