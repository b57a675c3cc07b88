import { z } from 'zod';
import { formatPlace } from './reference.ts';
import { isBitTable, type ModbusTable, modbusTables } from './table.ts';

/** Registers and bits have limits of their own. */
export type ReadKind = 'registers' | 'bits';
export const kindOf = (table: ModbusTable): ReadKind => (isBitTable(table) ? 'bits' : 'registers');

const count = z.int().min(0).max(65_536);
const learnedSchema = z.strictObject({
  version: z.literal(1),
  /** The device closes connections that are idle for so long; 0: it does not. */
  idleMs: z.number().min(0).default(0),
  units: z.record(
    z.string().regex(/^\d{1,3}$/),
    z.strictObject({
      /** Longest read that was answered, shortest that was refused for its length. */
      lengths: z.strictObject({
        registers: z.strictObject({ works: count, refused: count }).optional(),
        bits: z.strictObject({ works: count, refused: count }).optional(),
      }),
      /** No read goes on from below such an address to it. */
      cuts: z.array(z.strictObject({ table: z.enum(modbusTables), address: count })),
      /** Pause it needs after an answer. */
      gapMs: z.number().min(0).max(10_000),
    }),
  ),
});
type Learned = z.output<typeof learnedSchema>;

interface Lengths {
  works: number;
  refused: number;
}

/** What was found out about one unit. */
export class UnitKnowledge {
  readonly id: number;
  readonly lengths = new Map<ReadKind, Lengths>();
  /** `table/address`. */
  readonly cuts = new Set<string>();
  gapMs = 0;
  /** Requests soon after an answer of the unit, and others, that were not answered. */
  #hurried = 0;
  #rested = 0;

  constructor(id: number) {
    this.id = id;
  }

  isCut(table: ModbusTable, address: number): boolean {
    return this.cuts.has(`${table}/${address}`);
  }

  /** The longest read to try: of a limit that is not known exactly, half way between what works and what does not. */
  tryLength(kind: ReadKind, configured: number): number {
    const lengths = this.lengths.get(kind);
    if (lengths === undefined) return configured;
    return Math.min(configured, Math.max(1, Math.floor((lengths.works + lengths.refused) / 2)));
  }

  /** Returns whether that was new. */
  answered(kind: ReadKind, length: number): boolean {
    const lengths = this.lengths.get(kind);
    if (lengths === undefined || length <= lengths.works) return false;
    // The limit has gone up: a new firmware.
    if (length >= lengths.refused) this.lengths.delete(kind);
    else lengths.works = length;
    return true;
  }

  /** For its length (exception 3). Returns whether that was new. */
  refused(kind: ReadKind, length: number): boolean {
    const lengths = this.lengths.get(kind);
    if (length < 2 || (lengths !== undefined && length >= lengths.refused)) return false;
    this.lengths.set(kind, { works: Math.min(lengths?.works ?? 0, length - 1), refused: length });
    return true;
  }

  /**
   * A request `restMs` after the unit's last answer was not answered. Three that came soon, and none that came late, are taken
   * for a unit that is not ready so soon; its pause is doubled until that ends. Returns whether it was.
   */
  unanswered(restMs: number): boolean {
    if (restMs > 4 * Math.max(this.gapMs, hurriedMs)) this.#rested++;
    else this.#hurried++;
    if (this.#hurried < hurriedToLearn || this.#rested > 0 || this.gapMs >= longestGapMs) return false;
    this.gapMs = this.gapMs === 0 ? firstGapMs : this.gapMs * 2;
    this.#hurried = 0;
    return true;
  }

  /** For people. */
  texts(): string[] {
    const found: string[] = [];
    for (const [kind, { works, refused }] of this.lengths)
      found.push(
        works === refused - 1 ? `answers at most ${works} ${kind} in one read` : `answers ${works} ${kind} in one read, refuses ${refused}`,
      );
    for (const cut of this.cuts) {
      const [table, address] = cut.split('/') as [ModbusTable, string];
      found.push(`refuses reads across ${formatPlace(table, Number(address), 1)}`);
    }
    if (this.gapMs > 0) found.push(`needs ${this.gapMs} ms between an answer and the next request`);
    return found;
  }
}

const hurriedMs = 50;
const hurriedToLearn = 3;
const firstGapMs = 10;
const longestGapMs = 640;

/** What was found out about the units of a source; survives the process. */
export class Knowledge {
  readonly #units = new Map<number, UnitKnowledge>();
  /** The device closes connections that are idle for so long; 0: not known to. */
  idleMs: number;

  /** From what `toJSON` gave once; anything else is as good as nothing. */
  constructor(saved?: unknown) {
    const { data } = learnedSchema.safeParse(saved);
    this.idleMs = data?.idleMs ?? 0;
    for (const [id, { lengths, cuts, gapMs }] of Object.entries(data?.units ?? {})) {
      const unit = this.of(Number(id));
      for (const kind of ['registers', 'bits'] as const) {
        const known = lengths[kind];
        if (known !== undefined) unit.lengths.set(kind, known);
      }
      for (const { table, address } of cuts) unit.cuts.add(`${table}/${address}`);
      unit.gapMs = gapMs;
    }
  }

  /** Whether `saved` is what this version writes. */
  static reads(saved: unknown): boolean {
    return learnedSchema.safeParse(saved).success;
  }

  of(id: number): UnitKnowledge {
    const known = this.#units.get(id);
    if (known !== undefined) return known;
    const unit = new UnitKnowledge(id);
    this.#units.set(id, unit);
    return unit;
  }

  /** Of one unit and the way to it, for people. */
  texts(id: number): string[] {
    return this.idleMs > 0 ? [...this.of(id).texts(), `closes connections that are idle for ${this.idleMs} ms`] : this.of(id).texts();
  }

  toJSON(): Learned {
    const units: Learned['units'] = {};
    for (const [id, { lengths, cuts, gapMs }] of this.#units) {
      if (lengths.size === 0 && cuts.size === 0 && gapMs === 0) continue;
      units[id] = {
        lengths: Object.fromEntries([...lengths].map(([kind, { works, refused }]) => [kind, { works, refused }])),
        cuts: [...cuts].map((cut) => {
          const [table, address] = cut.split('/') as [ModbusTable, string];
          return { table, address: Number(address) };
        }),
        gapMs,
      };
    }
    return { version: 1, idleMs: this.idleMs, units };
  }
}
