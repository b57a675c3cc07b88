import type { AssetAlarmState } from '../core/alarm.ts';
import type { SinkStatus } from '../core/sink.ts';
import type { SourceStatus } from '../core/source.ts';
import type { DeliveryStatus } from '../outbox/status.ts';
import type { LearningStatus } from './learner.ts';
import type { UpgradedStatus } from './upgraded-status.ts';

/** Everything a status page or `fettle status` shows. */
export interface GatewayStatus {
  readonly site: string;
  readonly version: string;
  readonly startedAt: string;
  readonly uptimeMs: number;
  /** The worst of sources, sinks and journal. */
  readonly state: 'good' | 'degraded';
  readonly sources: Readonly<Record<string, SourceStatus>>;
  readonly sinks: Readonly<Record<string, { readonly sink: SinkStatus; readonly delivery: DeliveryStatus }>>;
  readonly journal: {
    /** False with `journal: off`. */
    readonly keepsSamples: boolean;
    readonly diskFull: boolean;
    readonly lastSeq: number;
    readonly commits: number;
    readonly failedCommits: number;
    readonly commitMs: number;
    readonly unkeptSamples: number;
    readonly droppedRows: number;
    readonly setAside: string | null;
    /** While the data are kept as they were before an upgrade. */
    readonly upgraded?: UpgradedStatus;
  };
  readonly counters: {
    readonly samples: number;
    readonly badSamples: number;
    readonly late: number;
    readonly duplicates: number;
    readonly redeliveredKnown: number;
    readonly refusedTags: number;
    readonly windows: number;
    readonly scores: number;
    readonly scoringErrors: number;
    readonly invalidWindows: Readonly<Record<string, number>>;
    readonly raised: number;
    readonly cleared: number;
    readonly withdrawn: number;
  };
  readonly assets: readonly AssetAlarmState[];
  /** Assets that learn what is normal from themselves. */
  readonly learning: Readonly<Record<string, LearningStatus>>;
}

/** What is not well, by id; `journal` for the disk. A sink that has had nothing to send yet has not failed. */
export function troubledParts({
  sources,
  sinks,
  journal,
}: Pick<GatewayStatus, 'sources' | 'sinks'> & { journal: { diskFull: boolean } }): string[] {
  const unheard = ({ state, lastError }: SinkStatus): boolean => state === 'connecting' && lastError === undefined;
  return [
    ...Object.entries(sources).filter(([, { state }]) => state !== 'good'),
    ...Object.entries(sinks).filter(([, { sink }]) => sink.state !== 'good' && !unheard(sink)),
    ...(journal.diskFull ? [['journal']] : []),
  ].map(([id]) => id as string);
}
