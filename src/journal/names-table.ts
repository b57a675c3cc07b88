import type { DatabaseSync } from 'node:sqlite';
import type { NameKind } from './batch.ts';

export function namesIn(database: DatabaseSync): Record<NameKind, string[]> {
  const names: Record<NameKind, string[]> = { tag: [], text: [], source: [], asset: [], model: [] };
  const rows = database.prepare('SELECT kind, idx, name FROM names ORDER BY kind, idx').all() as {
    kind: NameKind;
    idx: number;
    name: string;
  }[];
  for (const { kind, idx, name } of rows) names[kind][idx] = name;
  return names;
}
