import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Block, type PlanLimits, planReads, type Span, splitBlock } from '../../../src/sources/modbus/plan.ts';

const limits = (maxRegisters: number, bridgeRegisters: number): PlanLimits => ({ maxRegisters, maxBits: 2000, bridgeRegisters });
const at = (address: number, count = 1, rest: Partial<Span> = {}): Span => ({
  unit: 1,
  table: 'holdingRegister',
  pollMs: 1000,
  address,
  count,
  ...rest,
});
const spans = (blocks: readonly Block[]) => blocks.map(({ address, count }) => [address, count]);

const points = (most: number, reach: number) =>
  fc.array(
    fc.record({ address: fc.nat(reach), count: fc.integer({ min: 1, max: 4 }) }).map(({ address, count }) => at(address, count)),
    { minLength: 1, maxLength: most },
  );

/** Longest run of addresses no point owns between two addresses of a request. */
function longestBridge(all: readonly Span[], { address, count }: { address: number; count: number }): number {
  let longest = 0;
  let run = 0;
  for (let register = address; register < address + count; register++) {
    run = all.some((point) => point.address <= register && register < point.address + point.count) ? 0 : run + 1;
    longest = Math.max(longest, run);
  }
  return longest;
}

/** The fewest legal requests, by trying every subset of all legal ones. */
function bruteForce(all: readonly Span[], { maxRegisters, bridgeRegisters }: PlanLimits): number {
  const ends = [...new Set(all.map(({ address, count }) => address + count))];
  const requests = [...new Set(all.map(({ address }) => address))].flatMap((address) =>
    ends
      .filter((end) => end > address && end - address <= maxRegisters)
      .map((end) => ({ address, count: end - address }))
      .filter((request) => longestBridge(all, request) <= bridgeRegisters),
  );
  const masks = requests.map(({ address, count }) =>
    all.reduce(
      (mask, point, i) => (address <= point.address && point.address + point.count <= address + count ? mask | (1 << i) : mask),
      0,
    ),
  );
  const full = (1 << all.length) - 1;
  let reached = new Set([0]);
  for (let used = 0; ; used++) {
    if (reached.has(full)) return used;
    reached = new Set([...reached].flatMap((covered) => masks.map((mask) => covered | mask)));
  }
}

describe('the plan', () => {
  it('merges over small gaps, not over large ones, up to the limit', () => {
    expect(spans(planReads([at(0, 2), at(10, 2), at(21, 2), at(30, 2)], limits(125, 8)))).toEqual([
      [0, 12],
      [21, 11],
    ]);
    expect(spans(planReads([at(0, 2), at(8, 2), at(16, 2)], limits(10, 8)))).toEqual([
      [0, 10],
      [16, 2],
    ]);
  });

  it('reads tag by tag when asked to, but one register once', () => {
    const bits = [at(5), at(5), at(6)];
    expect(spans(planReads(bits, limits(125, 0)))).toEqual([
      [5, 1],
      [6, 1],
    ]);
  });

  it('keeps units, tables and periods apart', () => {
    const all = [at(0), at(1, 1, { unit: 2 }), at(1, 1, { table: 'inputRegister' }), at(1, 1, { pollMs: 250 })];
    expect(planReads(all, limits(125, 8))).toHaveLength(4);
  });

  it('counts bits in bit tables', () => {
    const coils = [
      at(0, 1, { table: 'coil' }),
      at(128, 1, { table: 'coil' }),
      at(257, 1, { table: 'coil' }),
      at(400, 1, { table: 'coil' }),
    ];
    expect(spans(planReads(coils, limits(125, 8)))).toEqual([
      [0, 258],
      [400, 1],
    ]);
    expect(spans(planReads(coils, { ...limits(125, 8), maxBits: 200 }))).toEqual([
      [0, 129],
      [257, 1],
      [400, 1],
    ]);
  });

  it('takes 1000 float32 tags, one in 8 registers, in the 63 reads it needs', () => {
    const tags = Array.from({ length: 1000 }, (_, i) => at(i * 8, 2));
    expect(planReads(tags, limits(125, 8))).toHaveLength(Math.ceil(1000 / 16));
  });

  it('is legal: every value whole, once, within the limits', () => {
    fc.assert(
      fc.property(points(60, 300), fc.integer({ min: 4, max: 125 }), fc.nat(20), (all, maxRegisters, bridgeRegisters) => {
        const blocks = planReads(all, limits(maxRegisters, bridgeRegisters));
        expect(blocks.flatMap((block) => block.points)).toHaveLength(all.length);
        expect(new Set(blocks.flatMap((block) => block.points))).toEqual(new Set(all));
        for (const block of blocks) {
          expect(block.count).toBeLessThanOrEqual(maxRegisters);
          expect(longestBridge(all, block)).toBeLessThanOrEqual(bridgeRegisters);
          for (const point of block.points) {
            expect(point.address).toBeGreaterThanOrEqual(block.address);
            expect(point.address + point.count).toBeLessThanOrEqual(block.address + block.count);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('needs no more requests than the best of all plans', () => {
    fc.assert(
      fc.property(points(8, 30), fc.integer({ min: 4, max: 14 }), fc.integer({ min: 1, max: 6 }), (all, maxRegisters, bridgeRegisters) => {
        const some = limits(maxRegisters, bridgeRegisters);
        expect(planReads(all, some)).toHaveLength(bruteForce(all, some));
      }),
      { numRuns: 1000 },
    );
  });

  it('is near the bound of registers by length on large plans', () => {
    fc.assert(
      fc.property(points(400, 6000), (all) => {
        const used = new Set(all.flatMap(({ address, count }) => Array.from({ length: count }, (_, i) => address + i)));
        expect(planReads(all, limits(125, 125)).length).toBeGreaterThanOrEqual(Math.ceil(used.size / 125));
        // No two neighbours of one plan could have been one request.
        const blocks = planReads(all, limits(125, 125));
        for (let i = 1; i < blocks.length; i++) {
          const [before, block] = [blocks[i - 1] as Block, blocks[i] as Block];
          const first = block.points[0] as Span;
          expect(first.address + first.count - before.address > 125 || first.address - (before.address + before.count) > 125).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('a refused request', () => {
  it('halves until every value stands alone, and asks for less each time', () => {
    fc.assert(
      fc.property(points(30, 100), (all) => {
        const left = planReads(all, limits(125, 125));
        const single: Block[] = [];
        for (let block = left.pop(); block !== undefined; block = left.pop()) {
          const halves = splitBlock(block);
          if (halves === undefined) single.push(block);
          else {
            expect(halves.flatMap((half) => half.points)).toEqual(block.points);
            left.push(...halves);
          }
        }
        for (const block of single)
          for (const point of block.points) expect([point.address, point.count]).toEqual([block.address, block.count]);
      }),
    );
  });
});
