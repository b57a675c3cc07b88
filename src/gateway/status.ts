import type { AssetAlarmState } from '../core/alarm.ts';
import type { SinkStatus } from '../core/sink.ts';
import type { SourceStatus } from '../core/source.ts';
import type { DeliveryStatus } from '../outbox/status.ts';
import type { LearningStatus } from './learner.ts';

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
    readonly diskFull: boolean;
    readonly lastSeq: number;
    readonly commits: number;
    readonly failedCommits: number;
    readonly commitMs: number;
    readonly unkeptSamples: number;
    readonly droppedRows: number;
    readonly setAside: string | null;
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
