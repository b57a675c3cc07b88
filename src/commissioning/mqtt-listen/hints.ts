import { formatDuration } from '../../core/duration.ts';
import type { GroupFinding } from './analysis.ts';
import type { Hearing } from './listen.ts';
import type { Proposal } from './proposal.ts';

const mostTroubles = 12;

/** What a person should know or try next. */
export function hintsOf(
  hearing: Hearing,
  findings: readonly GroupFinding[],
  proposal: Proposal,
  filters: readonly string[],
  who: string | undefined,
): string[] {
  const { heard, endedBy, elsewhere } = hearing;
  if (heard.messages === 0) return silent(elsewhere, filters, who, endedBy);
  const few = findings.filter(({ intervalMs }) => intervalMs === null).length;
  const { beyondTopics, beyondFields, topics } = heard;
  return [
    ...(endedBy === 'closed' ? ['the broker closed the connection before the time was up'] : []),
    ...(beyondTopics > 0 ? [`only the first ${topics.size} topics were kept: ${beyondTopics} messages of others; narrow the filter`] : []),
    ...(beyondFields > 0 ? [`there were more different values than are kept: ${beyondFields} were not looked at; narrow the filter`] : []),
    ...findings.flatMap(troubles).slice(0, mostTroubles),
    ...(few > 0 ? [`${few === 1 ? 'one shape came' : `${few} shapes came`} too seldom to tell an interval: listen longer, --for 10m`] : []),
    ...proposal.trial.problems
      .slice(0, 3)
      .map(({ topic, reason }) => `as proposed, the last message of ${topic} is not read in full: ${reason}`),
  ];
}

function troubles({ template, time, retained, messages, repeated, rhythm }: GroupFinding): string[] {
  const off = time?.worst == null ? '' : formatDuration(Math.abs(time.worst.behindMs));
  return [
    ...(time?.trouble === 'zone' ? [`${template}: local time without a zone? It is ${off} off UTC`] : []),
    ...(time?.trouble === 'uptime' ? [`${template}: ${time.path} counts from the start of the device, it has no clock`] : []),
    ...(time?.trouble === 'foreign' ? [`${template}: ${time.path} is a date that Fettle does not read`] : []),
    ...(time?.trouble === 'ahead' ? [`${time.worst?.topic}: its clock is ${off} ahead`] : []),
    ...(time?.trouble === 'behind' ? [`${time.worst?.topic}: its clock is ${off} behind, or it sends what it kept`] : []),
    ...(retained === messages ? [`${template}: only retained messages came; nothing is known of how often it sends`] : []),
    ...(repeated * 2 > messages && time?.path !== undefined && rhythm === 'regular'
      ? [`${template}: ${Math.round((repeated / messages) * 100)} % are the message before once more, time and all`]
      : []),
  ];
}

function silent(
  elsewhere: Hearing['elsewhere'],
  filters: readonly string[],
  who: string | undefined,
  endedBy: Hearing['endedBy'],
): string[] {
  const filter = filters.join(' ');
  const { firstLevels, clients, receivedPerMinute } = elsewhere ?? {};
  return [
    ...(endedBy === undefined ? [] : [`it ended early: ${endedBy === 'closed' ? 'the broker closed the connection' : 'interrupted'}`]),
    `nothing came under ${filter}: upper and lower case count, and # takes every level below, + one`,
    ...(firstLevels === undefined
      ? []
      : firstLevels.length > 0
        ? [`just now there is traffic under ${firstLevels.map((level) => `${level}/#`).join(', ')}`]
        : ['under # nothing came within 2 s either']),
    ...(receivedPerMinute === undefined
      ? []
      : [`the broker counts ${clients ?? 'some'} clients and ${receivedPerMinute} messages in the last minute ($SYS)`]),
    `a broker may take a subscription and deliver nothing: its access rules decide what ${who ?? 'a client without name'} may read`,
    'devices that report on change may be silent for long: --for 10m',
  ];
}
