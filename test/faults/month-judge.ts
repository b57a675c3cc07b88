import type { AlarmTransition } from '../../src/core/alarm.ts';
import type { GatewayStatus } from '../../src/gateway/status.ts';
import { readSegment } from '../../src/journal/segment.ts';
import { JournalStore } from '../../src/journal/store.ts';
import type { MonthPlan, Truth } from './month-plan.ts';

/** What a month left behind. */
export interface MonthEvidence {
  readonly plan: MonthPlan;
  /** Data directory of the gateway, which has ended. */
  readonly data: string;
  /** By device: messages it sent, numbered from 0; and its tag with their numbers. */
  readonly sent: Readonly<Record<string, number>>;
  readonly numbers: Readonly<Record<string, string>>;
  /** By tag: samples sent. */
  readonly samples: Readonly<Record<string, number>>;
  /** Alarm events a subscriber heard. */
  readonly heard: readonly AlarmTransition[];
  readonly highestBytes: number;
  readonly highestFileBytes: number;
  readonly undoneWrites: number;
  readonly restarts: number;
  readonly counters: GatewayStatus['counters'];
  /** By asset or context: how far learning came. */
  readonly learnt: Readonly<Record<string, string>>;
}

export interface Raised {
  readonly asset: string;
  readonly rule: string;
  readonly at: string;
  readonly message: string;
}

export interface MonthAccount {
  readonly messages: number;
  readonly samples: number;
  /** `device #number` of messages that the journal neither has nor says it dropped. */
  readonly lost: readonly string[];
  /** Samples that the journal says it dropped for want of room. */
  readonly dropped: number;
  /** Messages that stand in the journal more than once. */
  readonly duplicated: number;
  /** Tags of which more or fewer samples are kept than were sent. */
  readonly miscounted: readonly string[];
  /** Raised where nothing was wrong, by an established model or a rule; and by one that calls itself provisional. */
  readonly falseAlarms: readonly Raised[];
  readonly provisionalAlarms: readonly Raised[];
  readonly trueAlarms: readonly (Raised & { readonly what: string })[];
  /** What had to be raised and was not, or too late. */
  readonly missed: readonly string[];
  /** Transitions nobody heard, and those heard that the journal does not have and nobody withdrew. */
  readonly unheard: readonly string[];
  readonly ghosts: number;
  readonly highestBytes: number;
  readonly highestFileBytes: number;
  readonly undoneWrites: number;
  readonly restarts: number;
  readonly scores: number;
  readonly redelivered: number;
  readonly badSamples: number;
  readonly learnt: Readonly<Record<string, string>>;
}

export function judgeMonth(evidence: MonthEvidence): MonthAccount {
  const { plan, data, sent, numbers, samples, heard, highestBytes, highestFileBytes, undoneWrites, restarts, counters, learnt } = evidence;
  const store = new JournalStore({ directory: data, maxBytes: 1e15, maxAgeMs: 1e15 });
  const kept = keptIn(store, numbers);
  const dropped = store.opened.retention.droppedSamples;
  const all = [samples, Object.fromEntries(kept.samples)].map((of) => Object.values(of).reduce((sum, count) => sum + count, 0));
  const transitions = (store.query('SELECT document FROM transitions ORDER BY at_ms, sequence', []) as { document: string }[]).map(
    ({ document }) => JSON.parse(document) as AlarmTransition,
  );
  const [scored] = store.query('SELECT count(*) AS count FROM scores', []) as { count: number }[];
  store.close();
  const known = new Set(transitions.map(({ id }) => id));
  const heardIds = new Set(heard.map(({ id }) => id));
  const withdrawn = new Set(heard.filter((event) => event.withdrawn === true).map(({ id }) => id));
  return {
    messages: Object.values(sent).reduce((sum, count) => sum + count, 0),
    samples: Object.values(samples).reduce((sum, count) => sum + count, 0),
    lost: Object.entries(sent).flatMap(([device, count]) => lostOf(device, count, kept.times, dropped > 0)),
    dropped,
    duplicated: [...kept.times.values()].filter((times) => times > 1).length,
    miscounted:
      dropped > 0
        ? all[0] === (all[1] as number) + dropped
          ? []
          : [`${all[1]} kept and ${dropped} dropped of ${all[0]}`]
        : Object.entries(samples)
            .filter(([tag, count]) => kept.samples.get(tag) !== count)
            .map(([tag, count]) => `${tag}: ${kept.samples.get(tag) ?? 0} of ${count}`),
    ...judgeAlarms(plan.truths, transitions),
    unheard: transitions.map(({ id }) => id).filter((id) => !heardIds.has(id)),
    ghosts: heard.filter(({ id }) => !known.has(id) && !withdrawn.has(id)).length,
    highestBytes,
    highestFileBytes,
    undoneWrites,
    restarts,
    scores: scored?.count ?? 0,
    redelivered: counters.redeliveredKnown,
    badSamples: counters.badSamples,
    learnt,
  };
}

/** Numbers that are not in the journal. Where it says that it dropped some, those before the oldest kept are these. */
function lostOf(device: string, count: number, times: ReadonlyMap<string, number>, mayDrop: boolean): string[] {
  const keys = Array.from({ length: count }, (_, number) => `${device} #${number}`);
  const oldest = mayDrop ? keys.findIndex((key) => times.has(key)) : 0;
  return keys.slice(oldest).filter((key) => !times.has(key));
}

/** How often each message stands in the journal, and how many samples of each tag. */
function keptIn(store: JournalStore, numbers: Readonly<Record<string, string>>) {
  const { names } = store.opened;
  const devices = new Map(Object.entries(numbers).map(([device, tag]) => [names.tag.indexOf(tag), device]));
  const times = new Map<string, number>();
  const counts = new Map<number, number>();
  let afterSeq = 0;
  for (;;) {
    const segments = store.segments(afterSeq, 16e6);
    const last = segments.at(-1);
    if (last === undefined) break;
    afterSeq = last.seq;
    for (const { data } of segments) {
      for (const entry of readSegment(data)) {
        if (entry.kind !== 'samples') continue;
        const { tag, value, length } = entry.block;
        for (let i = 0; i < length; i++) {
          const index = tag[i] as number;
          counts.set(index, (counts.get(index) ?? 0) + 1);
          const device = devices.get(index);
          if (device === undefined) continue;
          const key = `${device} #${value[i]}`;
          times.set(key, (times.get(key) ?? 0) + 1);
        }
      }
    }
  }
  return { times, samples: new Map([...counts].map(([index, count]) => [names.tag[index] as string, count])) };
}

type AlarmVerdict = Pick<MonthAccount, 'falseAlarms' | 'provisionalAlarms' | 'trueAlarms' | 'missed'>;

/** Which of what was raised was true, and what was not raised. Pure. */
export function judgeAlarms(truths: readonly Truth[], transitions: readonly AlarmTransition[]): AlarmVerdict {
  const raised = transitions.filter(({ to }) => to === 'unacknowledged');
  const isOf = (truth: Truth, { asset, rule, atMs }: AlarmTransition): boolean =>
    truth.asset === asset && truth.rules.includes(rule) && atMs >= truth.fromMs && atMs <= truth.toMs;
  const shown = ({ asset, rule, atMs, message }: AlarmTransition): Raised => ({
    asset,
    rule,
    at: new Date(atMs).toISOString().slice(0, 16),
    message,
  });
  const isTrue = (transition: AlarmTransition): boolean => truths.some((truth) => isOf(truth, transition));
  const untrue = raised.filter((transition) => !isTrue(transition));
  return {
    falseAlarms: untrue.filter(({ provisional }) => !provisional).map(shown),
    provisionalAlarms: untrue.filter(({ provisional }) => provisional).map(shown),
    trueAlarms: raised.filter(isTrue).map((transition) => ({
      ...shown(transition),
      what: truths.find((truth) => isOf(truth, transition))?.what ?? '',
    })),
    missed: truths
      .filter(({ deadlineMs }) => deadlineMs !== undefined)
      .filter((truth) => !raised.some((transition) => isOf(truth, transition) && transition.atMs <= (truth.deadlineMs as number)))
      .map(({ asset, what }) => `${asset}: ${what}`),
  };
}
