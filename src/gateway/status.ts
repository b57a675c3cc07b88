import type { AssetAlarmState } from '../core/alarm.ts';
import type { Lane, SinkStatus } from '../core/sink.ts';
import type { SourceStatus } from '../core/source.ts';
import type { DeliveryStatus } from '../outbox/status.ts';
import type { LearningStatus } from './learner.ts';
import type { UpgradedStatus } from './upgraded-status.ts';

export interface GatewaySourceStatus extends SourceStatus {
  /** How fast the counters grow, a second; absent at the first look. */
  readonly perSecond?: Readonly<Record<string, number>>;
}

export interface GatewaySinkStatus {
  readonly sink: SinkStatus;
  readonly delivery: DeliveryStatus;
  /** The lanes it is sent; the others stay empty. */
  readonly wants: readonly Lane[];
  /** Points a second that are put into its outbox, over the last ten seconds: what the backlog grows by while the link is down. */
  readonly incomingPointsPerSecond: number;
}

/** Everything a status page or `fettle status` shows. */
export interface GatewayStatus {
  readonly site: string;
  readonly version: string;
  readonly startedAt: string;
  readonly uptimeMs: number;
  /** The worst of sources, sinks and journal. */
  readonly state: 'good' | 'degraded';
  readonly sources: Readonly<Record<string, GatewaySourceStatus>>;
  readonly sinks: Readonly<Record<string, GatewaySinkStatus>>;
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
    /** Rows of the grid closed before their time, since more would have been open than are kept. */
    readonly forced: number;
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
