import type { OpenedJournal } from '../journal/batch.ts';
import { copyKeptMs } from '../journal/upgrade-copy.ts';

/** The last upgrade, as long as one can go back. */
export interface UpgradedStatus {
  /** Null where the data of then do not say. */
  readonly fromVersion: string | null;
  readonly atMs: number;
  /** File with the data of before. */
  readonly copy: string;
  readonly copyUntilMs: number;
}

export function upgradedStatus({ copy, openedBy }: Pick<OpenedJournal, 'copy' | 'openedBy'>, nowMs: number): UpgradedStatus | undefined {
  if (copy === null || nowMs - copy.madeMs > copyKeptMs) return undefined;
  const fromVersion = openedBy.findLast(({ schema }) => schema <= copy.schema)?.version ?? null;
  return { fromVersion, atMs: copy.madeMs, copy: copy.file, copyUntilMs: copy.madeMs + copyKeptMs };
}
