import type { StandingAlarm } from '../core/alarm.ts';
import { formatDuration } from '../core/duration.ts';
import type { SinkStatus } from '../core/sink.ts';
import type { SourceStatus, SourceUnitStatus } from '../core/source.ts';
import { type GatewayStatus, troubledParts } from '../gateway/status.ts';

export type Colour = 'bold' | 'dim' | 'green' | 'red' | 'yellow';
/** Gives the text back as it is where there is no terminal. */
export type Paint = (colour: Colour, text: string) => string;

type State = SourceStatus['state'];
type DeliveryStatus = GatewayStatus['sinks'][string]['delivery'];

const marks: Readonly<Record<State, readonly [mark: string, colour: Colour]>> = {
  good: ['●', 'green'],
  connecting: ['○', 'yellow'],
  degraded: ['▲', 'yellow'],
  failed: ['✗', 'red'],
  stopped: ['○', 'dim'],
};

const stateWords: Readonly<Record<StandingAlarm['state'], string>> = {
  normal: 'normal',
  unacknowledged: 'unacknowledged',
  acknowledged: 'acknowledged',
  returnedUnacknowledged: 'over, unacknowledged',
  latchedUnacknowledged: 'over, latched, unacknowledged',
  latchedAcknowledged: 'over, latched',
  shelved: 'shelved',
  suppressedByDesign: 'suppressed by design',
  outOfService: 'out of service',
};
const silentStates: ReadonlySet<StandingAlarm['state']> = new Set(['shelved', 'suppressedByDesign', 'outOfService']);

/** Counters of a source that say nothing about its health. */
const uneventful = new Set(['replies', 'samples', 'bytes', 'splits', 'connections']);
const counterWords: Readonly<Record<string, string>> = {
  framing: 'framing errors',
  unknownTopic: 'without a rule',
  oversize: 'too long',
  retainedIgnored: 'retained and ignored',
  quarantined: 'set aside',
};

/** What `fettle status` says to a person: machines, sources, sinks, and what has happened since the start. Ends with a line break. */
export function renderStatus(status: GatewayStatus, paint: Paint): string {
  const nowMs = Date.parse(status.startedAt) + status.uptimeMs;
  const sections = [
    [headline(status, paint)],
    section('Machines', machines(status, nowMs, paint), paint),
    section('Sources', sources(status, nowMs, paint), paint),
    section('Sinks', sinks(status, paint), paint),
    section('Since the start', totals(status, paint), paint),
  ];
  const lines = sections.filter(({ length }) => length > 0).map((section) => section.join('\n'));
  return `${lines.join('\n\n')}\n`;
}

const section = (title: string, lines: readonly string[], paint: Paint): string[] =>
  lines.length === 0 ? [] : [paint('bold', title), ...lines];

function headline(status: GatewayStatus, paint: Paint): string {
  const standing = status.assets.flatMap(({ alarms }) => alarms).filter(({ state }) => !silentStates.has(state));
  const state = status.state === 'good' ? paint('green', 'good') : paint('yellow', `${status.state}: ${troubledParts(status).join(', ')}`);
  const words = [
    paint('bold', `fettle ${status.version}`),
    `site ${status.site}`,
    `up ${formatDuration(status.uptimeMs)}`,
    state,
    ...(standing.length === 0 ? [] : [paint('red', kindsOf(standing))]),
  ];
  return words.join(' · ');
}

/** "2 alerts, 1 alarm" */
const kindsOf = (standing: readonly StandingAlarm[]): string =>
  (['alarm', 'alert'] as const)
    .map((kind) => [kind, standing.filter((alarm) => alarm.kind === kind).length] as const)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${count} ${kind}${count === 1 ? '' : 's'}`)
    .join(', ');

function machines({ assets, learning }: GatewayStatus, nowMs: number, paint: Paint): string[] {
  const rows = aligned(assets.map(({ asset, state, watchingText }) => [asset, state, watchingText]));
  return assets.flatMap(({ asset, state, watching, alarms }, i) => {
    const [mark, colour]: readonly [string, Colour] =
      state === 'active' ? ['▲', 'red'] : watching === 'yes' ? ['●', 'green'] : watching === 'learning' ? ['○', 'dim'] : ['○', 'yellow'];
    // An asset's own, or those of its contexts.
    const lessons = Object.entries(learning).flatMap(([modelled, { text }]) =>
      modelled === asset ? [text.replace(`${asset} `, '')] : modelled.startsWith(`${asset}@`) ? [text.replace(`${asset}@`, '')] : [],
    );
    return [`  ${paint(colour, mark)} ${rows[i]}`, ...lessons.map(detail), ...alarms.flatMap((alarm) => alarmLines(alarm, nowMs, paint))];
  });
}

function alarmLines(alarm: StandingAlarm, nowMs: number, paint: Paint): string[] {
  const { rule, tag, kind, priority, state, sinceMs, shelvedUntilMs, message, advice, consequence } = alarm;
  const until = shelvedUntilMs === null ? '' : ` until ${timeText(shelvedUntilMs, nowMs)}`;
  const what = message === '' ? (tag === null ? rule : `${rule} ${tag}`) : message;
  return [
    paint(silentStates.has(state) ? 'dim' : 'red', detail(what)),
    detail(`${priority} ${kind}, ${stateWords[state]}${until}, since ${timeText(sinceMs, nowMs)}`),
    ...(advice === null ? [] : [paint('yellow', detail(`→ ${advice}`))]),
    ...(consequence === null ? [] : [detail(`if nobody does: ${consequence}`)]),
  ];
}

function sources({ sources }: GatewayStatus, nowMs: number, paint: Paint): string[] {
  const entries = Object.entries(sources);
  const rows = aligned(entries.map(([id, { state, counters }]) => [id, state, countersText(counters)]));
  return entries.flatMap(([, { state, units, lastRejected }], i) => [
    marked(state, rows[i] as string, paint),
    ...troubles(units, nowMs).flatMap(({ text, hint }) => problem(text, hint, paint)),
    ...learnt(units).map((text) => paint('dim', detail(text))),
    ...(lastRejected === undefined
      ? []
      : [detail(`last one not read${onTopic(lastRejected.topic)}: ${shortened(lastRejected.payload)} (${lastRejected.reason})`)]),
  ]);
}

const onTopic = (topic: string | undefined): string => (topic === undefined ? '' : `, on ${topic}`);

/** What a source has had to do with: requests or messages, and whatever is worth a look. */
function countersText(counters: SourceStatus['counters']): string {
  const said = Object.entries(counters).filter(([name, count], i) => i === 0 || (count > 0 && !uneventful.has(name)));
  return said.map(([name, count]) => counted(count, counterWords[name] ?? wordsOf(name))).join(', ');
}

/** Units that are not well, those that suffer from the same together: a lost connection is one trouble, not twenty. */
function troubles(units: readonly SourceUnitStatus[], nowMs: number): { text: string; hint: string | undefined }[] {
  const groups = Map.groupBy(
    units.filter(({ state, lastError }) => state !== 'good' || lastError !== undefined),
    ({ state, lastError, hint }) => JSON.stringify([state, lastError, hint]),
  );
  return [...groups.values()].map((group) => {
    const { state, lastError, hint } = group[0] as SourceUnitStatus;
    const lastGoodMs = Math.max(...group.map(({ lastGoodMs }) => lastGoodMs ?? Number.NEGATIVE_INFINITY));
    const silent = Number.isFinite(lastGoodMs) ? `, last good answer ${formatDuration(Math.max(0, nowMs - lastGoodMs))} ago` : '';
    return { text: `${namesOf(group)} ${state}${silent}${lastError === undefined ? '' : `: ${lastError}`}`, hint };
  });
}

/** What was found out about units, one line for those of which the same is known. */
function learnt(units: readonly SourceUnitStatus[]): string[] {
  const groups = Map.groupBy(
    units.filter(({ learned }) => learned !== undefined),
    ({ learned = [] }) => asManyAsFit(learned, 120),
  );
  return [...groups].map(([text, group]) => `${namesOf(group)} learned: ${text}`);
}

/** At least the first. */
function asManyAsFit(texts: readonly string[], width: number): string {
  const fitting = texts.findLastIndex((_, i) => texts.slice(0, i + 1).join('; ').length <= width);
  const shown = texts.slice(0, Math.max(1, fitting + 1));
  return `${shown.join('; ')}${shown.length < texts.length ? `; and ${texts.length - shown.length} more` : ''}`;
}

/** "unit 1, unit 2, unit 3 and 17 more" */
function namesOf(units: readonly SourceUnitStatus[]): string {
  const names = units.map(({ name }) => name);
  return names.length > 4 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
}

function sinks({ sinks }: GatewayStatus, paint: Paint): string[] {
  const entries = Object.entries(sinks);
  const rows = aligned(
    entries.map(([id, { sink, delivery }]) => [
      id,
      sinkState(sink, delivery),
      `${number(delivery.counters.delivered)} delivered`,
      waitingText(delivery),
    ]),
  );
  return entries.flatMap(([, { sink, delivery }], i) => {
    const { lastError = delivery.lastError, hint = delivery.hint } = sink;
    return [
      marked(sinkState(sink, delivery), rows[i] as string, paint),
      ...(lastError === undefined ? [] : problem(lastError, hint, paint)),
    ];
  });
}

/** A sink may be well while deliveries to it are not. Its delivery is "connecting" as long as there was nothing to deliver. */
const sinkState = (sink: SinkStatus, delivery: DeliveryStatus): State =>
  sink.state === 'good' && delivery.state !== 'connecting' ? delivery.state : sink.state;

function waitingText({ lanes, oldestAgeMs, counters }: DeliveryStatus): string {
  const waiting = Object.entries(lanes).filter(([, { points }]) => points > 0);
  const refused = counters.rejected === 0 ? '' : `, ${number(counters.rejected)} refused by it`;
  if (waiting.length === 0) return `nothing waiting${refused}`;
  const age = oldestAgeMs === null || oldestAgeMs < 10_000 ? '' : `, the oldest for ${formatDuration(oldestAgeMs)}`;
  return `${waiting.map(([lane, { points }]) => counted(points, lane)).join(', ')} waiting${age}${refused}`;
}

function totals({ counters, journal }: GatewayStatus, paint: Paint): string[] {
  const { samples, badSamples, late, duplicates, redeliveredKnown, refusedTags, windows, scores, scoringErrors, raised, cleared } =
    counters;
  const notes = counts([
    [badSamples, 'bad'],
    [late, 'late'],
    [duplicates, 'twice'],
    [redeliveredKnown, 'sent again'],
    [refusedTags, 'of too many tags'],
  ]);
  const reasons = counts(Object.entries(counters.invalidWindows).map(([reason, count]) => [count, wordsOf(reason)]));
  const unscored = reasons.length === 0 ? [] : [`${number(windows - scores)} without a score (${list(reasons)})`];
  const rows = aligned([
    ['samples', list([number(samples), ...notes])],
    ['windows', list([number(windows), ...counts([[scores, 'scored']]), ...unscored, ...counts([[scoringErrors, 'scoring errors']])])],
    ['alarms', list([`${number(raised)} raised`, `${number(cleared)} over`, ...counts([[counters.withdrawn, 'withdrawn']])])],
    ['journal', journalText(journal)],
    ...(journal.upgraded === undefined ? [] : [['upgrade', upgradeText(journal.upgraded)]]),
  ]);
  const troubled = [false, scoringErrors > 0, false, journal.diskFull || journal.setAside !== null];
  return rows.map((row, i) => `  ${troubled[i] ? paint('red', row) : row}`);
}

function journalText(journal: GatewayStatus['journal']): string {
  const { keepsSamples, commits, commitMs, diskFull, setAside, unkeptSamples, droppedRows } = journal;
  return list([
    ...(keepsSamples ? [] : ['off: samples are not kept']),
    ...(diskFull ? ['the disk is full'] : []),
    `${counted(commits, 'commits')}${commits === 0 ? '' : `, the last in ${commitMs.toFixed(1)} ms`}`,
    ...counts([
      [unkeptSamples, 'samples not kept'],
      [droppedRows, 'results not kept'],
    ]),
    ...(setAside === null ? [] : [`a damaged database was set aside as ${setAside}`]),
  ]);
}

/** Shown while one can go back. */
function upgradeText({ fromVersion, atMs, copyUntilMs }: NonNullable<GatewayStatus['journal']['upgraded']>): string {
  const from = fromVersion === null ? 'an older version' : `Fettle ${fromVersion}`;
  return `from ${from} on ${dayOf(atMs)}; the data as they were are kept until ${dayOf(copyUntilMs)} (fettle upgrade undo)`;
}

const number = (value: number): string => value.toLocaleString('en');
/** 2, "late replies" → "2 late replies"; 1 → "1 late reply" */
const counted = (count: number, words: string): string =>
  `${number(count)} ${count === 1 ? words.replace(/ies$/, 'y').replace(/s$/, '') : words}`;
const list = (parts: readonly string[]): string => parts.join(', ');
const counts = (entries: readonly (readonly [count: number, words: string])[]): string[] =>
  entries.filter(([count]) => count > 0).map(([count, words]) => counted(count, words));

/** `lateReplies` → "late replies" */
const wordsOf = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

const marked = (state: State, text: string, paint: Paint): string => `  ${paint(marks[state][1], marks[state][0])} ${text}`;
const detail = (text: string): string => `      ${printable(text)}`;
const problem = (text: string, hint: string | undefined, paint: Paint): string[] => [
  paint('red', detail(text)),
  ...(hint === undefined ? [] : [paint('yellow', detail(`→ ${hint}`))]),
];

/** Rows of cells → lines whose columns stand below each other. */
function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => printable(row[column] as string).length))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) => printable(cell).padEnd(widths[column] as number))
      .join('  ')
      .trimEnd(),
  );
}

/** What came from outside must not steer the terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
const printable = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');

const shortened = (text: string): string => (text.length > 60 ? `${text.slice(0, 59)}…` : text);

/** The time of day where the reader sits; with its date when that is not today's. */
function timeText(ms: number, nowMs: number): string {
  const [at, now] = [new Date(ms), new Date(nowMs)];
  const time = `${two(at.getHours())}:${two(at.getMinutes())}`;
  return at.toDateString() === now.toDateString() ? time : `${dayOf(ms)} ${time}`;
}

function dayOf(ms: number): string {
  const at = new Date(ms);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

const two = (part: number): string => String(part).padStart(2, '0');
