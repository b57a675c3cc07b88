import type { Analysed } from './analysis.ts';

/** Topics where clients say that they are there. */
export interface AvailabilityFinding {
  /** Whose clients. */
  readonly of: Analysed;
  /** The topics where it is said. */
  readonly said: Analysed;
  readonly availability: { readonly topic: string; readonly online: string; readonly offline: string; readonly path?: string };
}

const pairs: readonly (readonly [string, string])[] = [
  ['online', 'offline'],
  ['Online', 'Offline'],
  ['ONLINE', 'OFFLINE'],
  ['connected', 'disconnected'],
  ['available', 'unavailable'],
  ['ready', 'lost'],
];

/** Pairs of topics for values and topics for presence (`plant/{m}/telemetry` and `plant/{m}/status`) whose named levels are the same. */
export function availabilityOf(analysed: readonly Analysed[]): AvailabilityFinding[] {
  return analysed.flatMap((said) => {
    const words = wordsOf(said);
    if (words === undefined) return [];
    return analysed.flatMap((of): AvailabilityFinding[] => {
      if (of === said || wordsOf(of) !== undefined || !['json', 'scalar', 'csv', 'influx'].includes(of.finding.kind)) return [];
      const theirs = said.group.levels;
      const own = of.group.levels;
      const upTo = theirs.length - 1;
      const last = theirs[upTo];
      if (upTo > own.length || last?.name !== undefined) return [];
      const isSame = theirs.slice(0, upTo).every(({ name, values }, i) => {
        const mine = own[i];
        if (mine?.name === undefined) return name === undefined && values[0] === mine?.values[0];
        // One client may have been heard for all.
        return values.every((value) => mine.values.includes(value));
      });
      if (!isSame) return [];
      const levels = own.slice(0, upTo).map(({ name, values }) => (name === undefined ? values[0] : `{${name}}`));
      return [{ of, said, availability: { topic: [...levels, last?.values[0]].join('/'), ...words } }];
    });
  });
}

/** The words of presence, and where they stand, if that is all the topics say. */
function wordsOf({ finding }: Analysed): { online: string; offline: string; path?: string } | undefined {
  const isWord = finding.kind === 'word';
  if (!isWord && !(finding.kind === 'json' && finding.fields.length === 1)) return undefined;
  const [field] = finding.fields;
  const words = field?.words ?? [];
  const pair = pairs.find(([online, offline]) => words.length > 0 && words.every((word) => word === online || word === offline));
  if (pair === undefined || field === undefined) return undefined;
  return { online: pair[0], offline: pair[1], ...(!isWord && { path: field.path }) };
}
