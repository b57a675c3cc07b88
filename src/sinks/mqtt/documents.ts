import type { AlarmTransition, AssetAlarmState } from '../../core/alarm.ts';
import type { Score } from '../../core/score.ts';
import type { EventDocument, ScoreDocument, StateDocument } from './schemas.ts';

/** Core's values → the JSON documents of schemas.ts: times become ISO 8601, NaN becomes null. */

/** `message` has the cause in words. */
export function eventDocument({ atMs, stoodSinceMs: _, cause: __, about, withdrawn, ...rest }: AlarmTransition): EventDocument {
  return {
    ...rest,
    verb: rest.verb ?? null,
    about: about === undefined ? null : { from: isoTime(about.fromMs), to: about.toMs === null ? null : isoTime(about.toMs) },
    findings: rest.findings.map(copyFinding),
    at: isoTime(atMs),
    withdrawn: withdrawn ?? false,
  };
}

/** `watchingText` has in words what `watched` has in parts. */
export function stateDocument({ atMs, alarms, watched: _, ...rest }: AssetAlarmState): StateDocument {
  return {
    ...rest,
    at: isoTime(atMs),
    alarms: alarms.map(({ sinceMs, shelvedUntilMs, cause: _, ...alarm }) => ({
      ...alarm,
      findings: alarm.findings.map(copyFinding),
      since: isoTime(sinceMs),
      shelvedUntil: shelvedUntilMs === null ? null : isoTime(shelvedUntilMs),
    })),
  };
}

export function scoreDocument(score: Score): ScoreDocument {
  return {
    asset: score.asset,
    model: score.model,
    at: isoTime(score.windowEndMs),
    score: finite(score.value),
    limit: score.limit,
    ratio: finite(score.value / score.limit),
    channels: score.channels.map((tag, channel) => ({
      tag,
      contribution: finite(score.contributions[channel]),
      observed: finite(score.observed[channel]),
      expected: finite(score.expected[channel]),
    })),
  };
}

const latestMs = 8.64e15;

/** Never throws: a time stamp out of range becomes the nearest one a Date can say. */
export function isoTime(ms: number): string {
  return new Date(Number.isNaN(ms) ? 0 : Math.min(Math.max(ms, -latestMs), latestMs)).toISOString();
}

const finite = (value: number | undefined): number | null => (value !== undefined && Number.isFinite(value) ? value : null);

type Findings = AlarmTransition['findings'];
const copyFinding = (finding: Findings[number]): EventDocument['findings'][number] => ({
  ...finding,
  expected: finding.expected === null ? null : [finding.expected[0], finding.expected[1]],
});
