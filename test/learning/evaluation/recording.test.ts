import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasCode } from '../../../src/core/errors.ts';
import { type LabelledRecording, type RecordingOptions, readRecording } from '../../../src/learning/evaluation/recording.ts';
import { medianStepMs } from '../../../src/learning/evaluation/time-order.ts';
import { sharedDirectory } from '../../support/temporary-directory.ts';

const folder = sharedDirectory();

function read(text: string, options: Partial<RecordingOptions> = {}): Promise<LabelledRecording> {
  const file = join(folder, 'recording.csv');
  writeFileSync(file, text);
  return readRecording(file, { time: undefined, label: undefined, ignore: [], ...options });
}

const lists = ({ values }: LabelledRecording): number[][] => values.map((column) => [...column]);
const at = (second: number): number => Date.UTC(2026, 0, 1, 0, 0, second);

describe('a recording', () => {
  it('is told apart into time, label and channels', async () => {
    const text = 't;a;b;state;note\n2026-01-01 00:00:00;1,5;2;0.0;x\n2026-01-01 00:00:01;3;;1.0;y\n';
    const recording = await read(text, { time: 't', label: 'state', ignore: ['note'] });
    expect(recording).toMatchObject({ columns: ['a', 'b'], timed: true, kinds: ['1'], missing: [0, 1], unreadable: [0, 0] });
    expect(lists(recording)).toEqual([
      [1.5, 3],
      [2, Number.NaN],
    ]);
    expect([[...recording.timeMs], [...(recording.label ?? [])]]).toEqual([
      [at(0), at(1)],
      [0, 1],
    ]);
  });

  it('without a time column has one row a step', async () => {
    const recording = await read('a\n5\n6\n7\n', { rowMs: 60_000 });
    expect(recording).toMatchObject({ timed: false, label: undefined, kinds: [] });
    expect([...recording.timeMs]).toEqual([0, 60_000, 120_000]);
    expect([...(await read('a\n5\n6\n')).timeMs]).toEqual([0, 1000]);
  });

  it('is sorted by time, and rows of one time are averaged, anomalous where one is', async () => {
    const rows = ['3,30,5,0', '1,10,,0', '3,50,7,1', '2,20,1,0', '3,,9,0'];
    const recording = await read(`t,a,b,l\n${rows.map((row) => `2026-01-01T00:00:0${row}`).join('\n')}\n`, { time: 't', label: 'l' });
    expect([...recording.timeMs]).toEqual([at(1), at(2), at(3)]);
    expect(lists(recording)).toEqual([
      [10, 20, 40],
      [Number.NaN, 1, 7],
    ]);
    expect([...(recording.label ?? [])]).toEqual([0, 0, 1]);
    expect(recording).toMatchObject({ unordered: 2, duplicates: 2 });
  });

  it('counts a stray word as a missing value', async () => {
    const recording = await read('a,b\n1,1\nBad,Infinity\n3,2\n,3\n');
    expect(recording).toMatchObject({ missing: [1, 0], unreadable: [1, 1] });
    expect(lists(recording)).toEqual([
      [1, Number.NaN, 3, Number.NaN],
      [1, Number.NaN, 2, 3],
    ]);
  });

  it.each([
    ['a column of words', 'a,mode\n1,auto\n2,hand\n', {}, /:2: not a number: "auto" in column mode$/, /--ignore mode$/],
    ['a column without a number', 'a,b\n1,\n2,NaN\n', {}, /: not a number: no number in column b$/, /--ignore b$/],
    ['a time column taken for a channel', 'when,a\n2026-01-01 00:00:00,1\n', {}, /"2026-01-01 00:00:00" in column when$/, /--time when/],
    ['a time that is none', 't,a\n1767225600,1\nnoon,2\n', { time: 't' }, /:3: "noon" in column t is not a time$/, /ISO 8601/],
    ['a label column that is not there', 'a\n1\n', { label: 'l' }, /:1: has no column "l"$/, /its columns are a$/],
    ['nothing left', 'a,l\n1,0\n', { label: 'l', ignore: ['a'] }, /:1: has no column left to judge$/, /its columns are a, l$/],
    ['a line that is too short', 'a,b\n1,2\n3\n', {}, /:3: has 1 cells, the header has 2$/, /^$/],
    ['numbers that may lie either way', '4 2 3\n4 5 6\n', {}, /:1: holds 2 lines of 3 numbers and no header/, /names of the columns/],
    ['ragged numbers', '9 2\n3 4\n5\n', {}, /:3: has 1 numbers, the first line has 2$/, /^$/],
    ['an empty file', '\n', {}, /:1: is empty$/, /^$/],
    ['a header alone', 'a,b\n', {}, /:1: has a header and no rows$/, /^$/],
    [
      'labels of which none is normal',
      'a,l\n1,blue\n2,green\n',
      { label: 'l' },
      /column l holds blue, green and nothing that says normal$/,
      /0 or normal/,
    ],
    ['labels of -1 and 1', 'a,l\n1,-1\n2,1\n', { label: 'l' }, /column l holds -1 and 1 and no 0/, /0 for normal/],
  ] as const)('refuses %s, with file and line and what to do', async (_, text, options, message, hint) => {
    const error: unknown = await read(text, options as Partial<RecordingOptions>).catch((reason: unknown) => reason);
    if (!hasCode(error, 'FETTLE_CSV_INVALID')) throw error;
    expect(error.message).toMatch(message);
    expect(error.message).toContain(`${folder}/recording.csv:`);
    expect(error.hint ?? '').toMatch(hint);
  });

  it('to learn from may lack what only judging needs', async () => {
    const recording = await read('a\n1\n', { label: 'l', ignore: ['note'], mayLack: true });
    expect(recording).toMatchObject({ columns: ['a'], label: undefined });
    await expect(read('a\n1\n', { time: 't', mayLack: true })).rejects.toThrow('has no column "t"');
  });
});

describe('labels', () => {
  it.each([
    ['numbers', '0 1 0.0 2 -3 0.5', '010111', ['1', '2', '-3', '0.5']],
    ['words', 'normal anomaly NORMAL Anomaly', '0101', ['anomaly', 'Anomaly']],
    ['yes and no', 'false true False TRUE', '0101', ['true', 'TRUE']],
    ['kinds of fault beside nothing', '- leak - blockage', '0101', ['leak', 'blockage']],
    ['plain words without a normal row', 'fault fault', '11', ['fault']],
    ['words and numbers', '0 attack', '01', ['attack']],
    ['not a number', 'NaN 1', '01', ['1']],
  ])('may be %s', async (_, cells, flags, kinds) => {
    const rows = cells.split(' ').map((cell, i) => `${i},${cell === '-' ? '' : cell}`);
    const { label, kinds: found } = await read(`a,l\n${rows.join('\n')}\n`, { label: 'l' });
    expect([...(label ?? [])].join('')).toBe(flags);
    expect(found).toEqual(kinds);
  });
});

describe('a table of numbers without a header', () => {
  const samples = [1, 2, 3, 4, 5, 6].map((i) => [i, 10 * i]);
  const column = (i: number): number[] => samples.map((row) => row[i] as number);

  it.each<[string, string[], boolean, number[]?]>([
    ['samples in lines, blanks', samples.map((row) => `  ${row.map((v) => v.toExponential(3)).join('   ')}`), false],
    ['samples in lines, commas', samples.map((row) => row.join(',')), false],
    ['samples in lines, one missing', ['1,NaN', ...samples.slice(1).map((row) => row.join(','))], false, [1, Number.NaN]],
    ['channels in lines', [column(0), column(1)].map((row) => ` ${row.join(' ')} `), true],
  ])('is read with %s', async (_, lines, transposed, first = [1, 10]) => {
    const recording = await read(`${lines.join('\n')}\n`);
    expect(recording).toMatchObject({ columns: ['x1', 'x2'], transposed, timed: false });
    expect(lists(recording)).toEqual([column(0).with(0, first[0] as number), column(1).with(0, first[1] as number)]);
  });

  it('may have its label among the numbers, and numbers for names', async () => {
    const labelled = await read(samples.map((row, i) => [...row, i > 3 ? 1 : 0].join(' ')).join('\n'), { label: 'x3' });
    expect(labelled.columns).toEqual(['x1', 'x2']);
    expect([...(labelled.label ?? [])].join('')).toBe('000011');
    expect((await read('0,1,2\n7,8,9\n')).columns).toEqual(['0', '1', '2']);
    expect((await read(',a\n0,8\n1,9\n')).columns).toEqual(['x1', 'a']);
  });
});

describe('the step of a recording', () => {
  it('is the median distance of distinct time stamps', () => {
    expect(medianStepMs([Float64Array.of(0, 1000, 1000, 1000, 2000, 9000), Float64Array.of(0, 1000)])).toBe(1000);
    expect(medianStepMs([Float64Array.of(5, 5)])).toBeUndefined();
  });
});
