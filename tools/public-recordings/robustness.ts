import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gaussian, seededRandom } from '../../src/core/seeded-random.ts';
import { type Context, evaluate } from './context.ts';
import { pooledOf, shown } from './figures.ts';
import { skabFiles, skabProtocol } from './skab.ts';

/** A recording as text: the same plant, told in another way. */
interface Sheet {
  readonly channels: readonly string[];
  /** Seconds. */
  readonly time: readonly number[];
  /** `[row][channel]`; NaN: nothing. */
  readonly values: readonly (readonly number[])[];
  readonly label: readonly number[];
}

interface Variant {
  readonly name: string;
  readonly change: (sheet: Sheet, random: () => number) => Sheet;
  /** Rows of the changed sheet for one of the original. */
  readonly rowsPerRow: number;
  readonly expected: string;
}

const learningRows = skabProtocol.trainRows;
const mapValues = (sheet: Sheet, change: (value: number, channel: number, row: number) => number): Sheet => ({
  ...sheet,
  values: sheet.values.map((row, i) => row.map((value, c) => change(value, c, i))),
});
const pick = (sheet: Sheet, rows: readonly number[], time: readonly number[]): Sheet => ({
  ...sheet,
  time,
  values: rows.map((row) => sheet.values[row] as readonly number[]),
  label: rows.map((row) => sheet.label[row] as number),
});

function shuffled(count: number, random: () => number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}

const deviationsOf = ({ values }: Sheet): number[] => {
  const learnt = values.slice(0, learningRows);
  return (values[0] ?? []).map((_, c) => {
    const mean = learnt.reduce((sum, row) => sum + (row[c] as number), 0) / learnt.length;
    return Math.sqrt(learnt.reduce((sum, row) => sum + ((row[c] as number) - mean) ** 2, 0) / learnt.length);
  });
};

const variants: readonly Variant[] = [
  { name: 'as recorded', rowsPerRow: 1, expected: '', change: (sheet) => sheet },
  {
    name: 'channels in another order, under other names',
    rowsPerRow: 1,
    expected: 'the same',
    change: (sheet, random) => {
      const order = shuffled(sheet.channels.length, random);
      return { ...sheet, channels: order.map((_, c) => `x${c}`), values: sheet.values.map((row) => order.map((c) => row[c] as number)) };
    },
  },
  {
    name: 'every channel in other units (× e^(3N), shifted)',
    rowsPerRow: 1,
    expected: 'the same',
    change: (sheet, random) => {
      const normal = gaussian(random);
      const spreads = deviationsOf(sheet);
      const units = sheet.channels.map((_, c) => [Math.exp(3 * normal()), 1_000 * (spreads[c] as number) * normal()] as const);
      return mapValues(sheet, (value, c) => (value + (units[c]?.[1] as number)) * (units[c]?.[0] as number));
    },
  },
  {
    name: 'every row twice',
    rowsPerRow: 2,
    expected: 'the same',
    change: (sheet) => {
      const rows = sheet.time.flatMap((_, i) => [i, i]);
      return pick(
        sheet,
        rows,
        rows.map((row, i) => (sheet.time[row] as number) + (i % 2) * 0.5),
      );
    },
  },
  {
    name: 'polled 1.5 times as fast as the device refreshes',
    rowsPerRow: 1.5,
    expected: 'the same',
    change: (sheet) => {
      const begin = sheet.time[0] as number;
      const count = Math.floor(sheet.time.length * 1.5);
      const rows = Array.from({ length: count }, (_, i) => Math.floor(i / 1.5));
      return pick(
        sheet,
        rows,
        rows.map((_, i) => begin + i / 1.5),
      );
    },
  },
  {
    name: 'means of two rows (200 rows learnt)',
    rowsPerRow: 0.5,
    expected: 'too little learnt',
    change: (sheet) => {
      const count = Math.floor(sheet.time.length / 2);
      const rows = Array.from({ length: count }, (_, i) => 2 * i);
      const meaned = pick(
        sheet,
        rows,
        rows.map((row) => sheet.time[row] as number),
      );
      return mapValues(meaned, (value, c, i) => (value + (sheet.values[2 * i + 1]?.[c] as number)) / 2);
    },
  },
  ...[2, 4].map(
    (times): Variant => ({
      name: `${times} rows a second, straight lines between the recorded ones`,
      rowsPerRow: times,
      expected: 'the same',
      change: (sheet) => {
        const begin = sheet.time[0] as number;
        const rows = Array.from({ length: (sheet.time.length - 1) * times }, (_, i) => Math.floor(i / times));
        const drawn = pick(
          sheet,
          rows,
          rows.map((_, i) => begin + i / times),
        );
        return mapValues(
          drawn,
          (value, c, i) => value + ((i % times) / times) * ((sheet.values[Math.floor(i / times) + 1]?.[c] as number) - value),
        );
      },
    }),
  ),
  {
    name: 'polled 3 times as fast, and every channel refreshes at a moment of its own',
    rowsPerRow: 3,
    expected: 'the same',
    change: (sheet) => {
      const begin = sheet.time[0] as number;
      const rows = Array.from({ length: sheet.time.length * 3 - 2 }, (_, i) => Math.floor(i / 3));
      const polled = pick(
        sheet,
        rows,
        rows.map((_, i) => begin + i / 3),
      );
      return mapValues(polled, (_, c, i) => sheet.values[Math.max(0, Math.floor((i - (c % 3)) / 3))]?.[c] as number);
    },
  },
  {
    name: '3 of 8 channels refreshed every third row, held (too few rows for a wider grid)',
    rowsPerRow: 1,
    expected: '',
    change: (sheet) => mapValues(sheet, (value, c, i) => (c % 3 === 1 ? (sheet.values[i - (i % 3)]?.[c] as number) : value)),
  },
  {
    name: '5 % of all values lost',
    rowsPerRow: 1,
    expected: 'no more false alarms',
    change: (sheet, random) => mapValues(sheet, (value) => (random() < 0.05 ? Number.NaN : value)),
  },
  {
    name: '5 % of all values lost, learnt without loss',
    rowsPerRow: 1,
    expected: 'no more false alarms',
    change: (sheet, random) => mapValues(sheet, (value, _, i) => (i >= learningRows && random() < 0.05 ? Number.NaN : value)),
  },
  {
    name: '20 % of one channel lost, in bursts of 10',
    rowsPerRow: 1,
    expected: 'no more false alarms',
    change: (sheet, random) => {
      const channel = Math.floor(random() * sheet.channels.length);
      const lost = sheet.time.map(() => 0);
      for (let i = learningRows; i < lost.length; i++) if (random() < 0.022) lost.fill(1, i, i + 10);
      return mapValues(sheet, (value, c, i) => (c === channel && lost[i] === 1 ? Number.NaN : value));
    },
  },
  {
    name: 'one channel lost for good, a minute into the test',
    rowsPerRow: 1,
    expected: 'no more false alarms',
    change: (sheet, random) => {
      const channel = Math.floor(random() * sheet.channels.length);
      return mapValues(sheet, (value, c, i) => (c === channel && i >= learningRows + 60 ? Number.NaN : value));
    },
  },
  {
    name: 'one channel stuck on its value, a minute into the test',
    rowsPerRow: 1,
    expected: 'no more false alarms',
    change: (sheet, random) => {
      const channel = Math.floor(random() * sheet.channels.length);
      const from = learningRows + 60;
      return mapValues(sheet, (value, c, i) => (c === channel && i > from ? (sheet.values[from]?.[c] as number) : value));
    },
  },
  {
    name: 'a slow drift of 2 deviations in 10 min in two channels',
    rowsPerRow: 1,
    expected: 'no more false alarms',
    change: (sheet, random) => {
      const deviations = deviationsOf(sheet);
      const [a, b] = shuffled(sheet.channels.length, random);
      return mapValues(sheet, (value, c, i) => (c === a || c === b ? value + ((2 * i) / 600) * (deviations[c] as number) : value));
    },
  },
  {
    name: 'stray spikes of 20 deviations, one row in 200',
    rowsPerRow: 1,
    expected: 'no more false alarms',
    change: (sheet, random) => {
      const deviations = deviationsOf(sheet);
      return mapValues(sheet, (value, c, i) =>
        i >= learningRows && random() < 1 / 200 / sheet.channels.length ? value + 20 * (deviations[c] as number) : value,
      );
    },
  },
];

function readSheet(file: string): Sheet {
  const [head = '', ...lines] = readFileSync(file, 'utf8').trim().split(/\r?\n/);
  const names = head.split(';');
  const channels = names.slice(1, names.indexOf('anomaly'));
  const cells = lines.map((line) => line.split(';'));
  return {
    channels,
    time: cells.map(([time = '']) => Date.parse(`${time.replace(' ', 'T')}Z`) / 1000),
    values: cells.map((row) => row.slice(1, 1 + channels.length).map(Number)),
    label: cells.map((row) => Number(row[names.indexOf('anomaly')])),
  };
}

const csvOf = ({ channels, time, values, label }: Sheet): string =>
  [
    ['datetime', ...channels, 'anomaly'].join(','),
    ...time.map((at, i) =>
      [
        new Date(at * 1000).toISOString(),
        ...(values[i] as readonly number[]).map((value) => (Number.isNaN(value) ? '' : String(value))),
        label[i] as number,
      ].join(','),
    ),
  ].join('\n');

/** The SKAB recordings told in other ways, and with what happens to sensors in the field. */
export async function robustness(context: Context): Promise<string[]> {
  const { scratch, precisions } = context;
  const precision = precisions[0] ?? 'int8';
  const originals = skabFiles(context).map((file) => ({ name: basename(file), sheet: readSheet(file) }));
  const rows = [
    '',
    `| SKAB (${precision}) | F1 | false-alarm rate | missed-alarm rate | AUC | median delay | expected |`,
    '|---|---|---|---|---|---|---|',
  ];
  for (const { name, change, rowsPerRow, expected } of variants) {
    const random = seededRandom(17);
    const csv = originals.map(({ name: file, sheet }, i) => {
      const path = join(scratch, `${i}-${file}`);
      writeFileSync(path, csvOf(change(sheet, random)));
      return path;
    });
    const of = pooledOf(
      await evaluate(
        { ...context, precisions: [precision] },
        { time: 'datetime', label: 'anomaly', csv, trainRows: Math.floor(learningRows * rowsPerRow) },
      ),
    );
    const { f1, far, mar, auc, delayMedianS } = of(precision);
    rows.push(
      `| ${name} | ${shown.three(f1)} | ${shown.percent(far)} | ${shown.percent(mar)} | ${shown.three(auc)} | ${shown.seconds(delayMedianS)} | ${expected} |`,
    );
    process.stderr.write(`${rows.at(-1)}\n`);
  }
  return rows;
}
