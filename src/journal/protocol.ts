import type { ErrorCode } from '../core/errors.ts';
import type { Lane, RejectedPoints } from '../core/sink.ts';
import type { CommitBatch } from './batch.ts';
import type { Upgrade } from './migration.ts';

/** What the event loop asks of the writer's thread. */
export type Request =
  | { readonly do: 'commit'; readonly batch: CommitBatch }
  | { readonly do: 'segments'; readonly afterSeq: number; readonly maxBytes: number }
  | { readonly do: 'existing'; readonly source: number; readonly tag: Uint32Array; readonly timeMs: Float64Array }
  | {
      readonly do: 'readOutbox';
      readonly query: { sink: string; lane: Lane; afterId: number; uptoId?: number; maxPoints: number; maxBytes: number };
    }
  | { readonly do: 'removeOutbox'; readonly ids: readonly number[] }
  | {
      readonly do: 'quarantine';
      readonly sink: string;
      readonly entries: readonly RejectedPoints[];
      readonly wallMs: number;
    }
  | { readonly do: 'depth'; readonly sink: string }
  | { readonly do: 'query'; readonly sql: string; readonly parameters: readonly (string | number)[] }
  | { readonly do: 'retention' }
  | { readonly do: 'backup'; readonly file: string }
  | { readonly do: 'reopen' }
  | { readonly do: 'close' };

export interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string; readonly code?: ErrorCode; readonly hint?: string; readonly damaged: boolean } | undefined;
}

/** Comes before the first answer where the data are of an older schema: that answer may take minutes. */
export interface Upgrading {
  readonly upgrading: Upgrade;
}
