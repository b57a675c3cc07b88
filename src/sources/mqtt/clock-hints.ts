import type { TopicReader } from './topic-reader.ts';

/** Behind by less may be the way to here. */
const behindMs = 60_000;
const aheadMs = 10_000;
/** A clock is judged by what came lately. */
const freshMs = 600_000;

const minutes = (ms: number): string =>
  ms < 120_000 ? `${Math.round(ms / 1000)} s` : ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${(ms / 3_600_000).toFixed(1)} h`;

/** What the time stamps of a topic say about the clock of its device, for people. */
export function clockHints({ topic, intake }: TopicReader, nowMs: number): string[] {
  const hints: string[] = [];
  if (nowMs - intake.newestArrivalMs < freshMs) {
    const behind = intake.newestArrivalMs - intake.newestMs;
    if (behind > behindMs)
      hints.push(`${topic}: its newest time stamp was ${minutes(behind)} behind; a wrong clock or zone, or data from before`);
    if (behind < -aheadMs) hints.push(`${topic}: its clock is ${minutes(-behind)} ahead`);
  }
  if (intake.ahead > 0) hints.push(`${topic}: its clock was further ahead than time.maxSkew; samples marked bad: ${intake.ahead}`);
  if (intake.notEpoch > 0)
    hints.push(
      `${topic}: ${JSON.stringify(intake.lastNotEpoch)} is no time of day (its clock was never set, or counts from its start); messages that got the time of their arrival: ${intake.notEpoch}`,
    );
  return hints;
}
