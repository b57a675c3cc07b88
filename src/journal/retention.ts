import type { DatabaseSync } from 'node:sqlite';

export interface RetentionLimits {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly wallMs: number;
}

const chunk = 64;

/**
 * Keeps the database within the limits the user set. History goes first, oldest first; what waits in the outbox is touched only
 * when there is no other way (samples, then results, alarms never), and every point lost so is counted. Runs inside a commit.
 */
export function enforceRetention(database: DatabaseSync, limits: RetentionLimits): void {
  const oldest = limits.wallMs - limits.maxAgeMs;
  const unsent = 'seq NOT IN (SELECT segment FROM outbox WHERE segment IS NOT NULL)';
  // The fold may still need segments after the last snapshot.
  const folded = 'seq <= coalesce((SELECT seq FROM snapshots), 0)';
  dropSegments(database, `SELECT seq FROM segments WHERE wall_ms < ${oldest} AND ${unsent} AND ${folded} ORDER BY seq LIMIT ${chunk * 16}`);
  dropResults(database, oldest);
  database.prepare('DELETE FROM transitions WHERE at_ms < ?').run(oldest);
  // A bounded share of the work a call: the next commit goes on.
  for (let round = 0; round < 32 && usedBytes(database) > limits.maxBytes; round++) {
    const dropped = dropSegments(database, `SELECT seq FROM segments WHERE ${unsent} AND ${folded} ORDER BY seq LIMIT ${chunk}`);
    if (dropped !== undefined) {
      dropResults(database, dropped);
      continue;
    }
    if (dropWaiting(database, 'samples') || dropWaiting(database, 'results')) continue;
    break;
  }
}

/** Returns the event time up to which something is gone; undefined where there was nothing to drop. */
function dropSegments(database: DatabaseSync, which: string): number | undefined {
  const { segments, samples, lastMs } = database
    .prepare(
      `SELECT count(*) AS segments, coalesce(sum(samples), 0) AS samples, max(last_ms) AS lastMs FROM segments WHERE seq IN (${which})`,
    )
    .get() as { segments: number; samples: number; lastMs: number };
  if (segments === 0) return undefined;
  database.exec(`DELETE FROM segments WHERE seq IN (${which})`);
  count(database, 'droppedSegments', segments);
  count(database, 'droppedSamples', samples);
  return lastMs;
}

/** What was said of the time before: it goes with its samples, or it would be all there is. By asset, as the tables are sorted. */
function dropResults(database: DatabaseSync, beforeMs: number): void {
  const assets = database.prepare("SELECT idx FROM names WHERE kind = 'asset'").all() as { idx: number }[];
  for (const table of ['scores', 'invalid_windows']) {
    const drop = database.prepare(`DELETE FROM ${table} WHERE asset = ? AND end_ms < ?`);
    for (const { idx } of assets) drop.run(idx, beforeMs);
  }
}

function dropWaiting(database: DatabaseSync, lane: 'samples' | 'results'): boolean {
  const which = `SELECT id FROM outbox WHERE lane = '${lane}' ORDER BY id LIMIT ${chunk}`;
  const { points } = database.prepare(`SELECT sum(count) AS points FROM outbox WHERE id IN (${which})`).get() as { points: number | null };
  if (points === null) return false;
  database.exec(`DELETE FROM outbox WHERE id IN (${which})`);
  count(database, 'droppedOutboxPoints', points);
  return true;
}

function usedBytes(database: DatabaseSync): number {
  const pragma = (name: string): number => Object.values(database.prepare(`PRAGMA ${name}`).get() as Record<string, number>)[0] as number;
  return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size');
}

function count(database: DatabaseSync, name: string, by: number): void {
  database.prepare('INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value').run(name, by);
}
