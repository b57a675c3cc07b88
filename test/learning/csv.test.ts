import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasCode } from '../../src/core/errors.ts';
import { type CsvOptions, type Recording, readCsv } from '../../src/learning/csv.ts';
import { sharedDirectory } from '../support/temporary-directory.ts';

const folder = sharedDirectory();

function read(text: string, options: Partial<CsvOptions> = {}): Promise<Recording> {
  const file = join(folder, 'recording.csv');
  writeFileSync(file, text);
  return readCsv(file, { time: undefined, ignore: [], ...options });
}

const seconds = [Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 1, 0, 0, 1)];

describe('readCsv', () => {
  it.each([
    ['commas, epoch seconds', 't,a,b\n1767225600,1,2\n1767225601,3,4\n'],
    ['semicolons, decimal commas, epoch ms, CRLF', 't;a;b\r\n1767225600000;1,0;2\r\n1767225601000;3;4,0\r\n'],
    ['tabs, epoch µs, no newline at the end', 't\ta\tb\n1767225600000000\t1\t2\n1767225601000000\t3\t4'],
    ['epoch ns, byte order mark, blank lines', '\uFEFFt,a,b\n1767225600000000000,1,2\n\n1767225601000000000,3,4\n\n'],
    ['quotes, ISO 8601 with a zone', '"t","a","b"\n"2026-01-01T01:00:00+01:00","1","2"\n"2026-01-01T00:00:01Z",3,4\n'],
    ['date and time with a blank', 't,a,b\n2026-01-01 00:00:00,1,2\n2026-01-01 00:00:01,3,4\n'],
  ])('reads %s', async (_, text) => {
    const { columns, timeMs, values } = await read(text, { time: 't' });
    expect(columns).toEqual(['a', 'b']);
    expect([...(timeMs ?? [])]).toEqual(seconds);
    expect(values.map((column) => [...column])).toEqual([
      [1, 3],
      [2, 4],
    ]);
  });

  it('takes an empty cell, NaN and null for a missing value', async () => {
    const { values } = await read('a,b\n1,\nNaN,2\nnull,-3e-2\n');
    expect(values.map((column) => [...column])).toEqual([
      [1, Number.NaN, Number.NaN],
      [Number.NaN, 2, -0.03],
    ]);
  });

  it('keeps separators inside quotes', async () => {
    expect((await read('"temperature, ""left""",b\n1,2\n')).columns).toEqual(['temperature, "left"', 'b']);
  });

  it.each([
    ['the columns that hold words', 'a,mode,place\n1,auto,hall\n', {}, /:2: not a number: "auto" in column mode, "hall" in column place$/],
    ['a line that is too short', 'a,b\n1,2\n3\n', {}, /:3: has 1 cells, the header has 2$/],
    ['a time that is none', 't,a\n2026-01-01,1\nyesterday,2\n', { time: 't' }, /:3: "yesterday" is not a time$/],
    ['a column that is not there', 'a,b\n1,2\n', { time: 'time' }, /:1: has no column "time"$/],
    ['an ignored column that is not there', 'a,b\n1,2\n', { ignore: ['c'] }, /:1: has no column "c"$/],
    ['a column named twice', 'a,b,a\n1,2,3\n', {}, /:1: has two columns "a"$/],
    ['nothing left to learn from', 'a\n1\n', { ignore: ['a'] }, /:1: has no column left to learn from$/],
    ['an empty file', '', {}, /:1: is empty$/],
    ['a header without rows', 'a,b\n', {}, /:1: has a header and no rows$/],
  ] as const)('refuses %s, with file and line', async (_, text, options, message) => {
    const error: unknown = await read(text, options as Partial<CsvOptions>).catch((reason: unknown) => reason);
    expect(hasCode(error, 'FETTLE_CSV_INVALID') && error.message).toMatch(message);
    expect(hasCode(error, 'FETTLE_CSV_INVALID') && error.message).toContain(`${folder}/recording.csv:`);
  });

  it('tells which option leaves the words out', async () => {
    await expect(read('a,mode,place\n1,auto,hall\n')).rejects.toMatchObject({ hint: expect.stringContaining('--ignore mode,place') });
  });

  it('says so when there is no such file', async () => {
    await expect(readCsv(join(folder, 'none.csv'), { time: undefined, ignore: [] })).rejects.toMatchObject({
      code: 'FETTLE_CSV_INVALID',
      message: expect.stringMatching(/none\.csv cannot be read \(ENOENT\)$/),
    });
  });
});
