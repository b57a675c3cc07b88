import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gaussian, seededRandom } from '../../src/core/seeded-random.ts';
import type { Precision } from '../../src/learning/evaluation/report.ts';
import { type Context, evaluate } from './context.ts';
import { meanFdr, pooledOf, shown } from './figures.ts';
import {
  csvOf,
  deviationsOf,
  drawn,
  drifting,
  inOtherUnits,
  meansOfTwo,
  partlyHeld,
  permuted,
  pick,
  polled,
  refreshedApart,
  type Sheet,
  stuck,
  twice,
  withBursts,
  withLosses,
  withoutChannel,
  withSpikes,
} from './retold.ts';
import { skabFiles, skabProtocol } from './skab.ts';

interface Variant {
  readonly name: string;
  readonly change: (sheet: Sheet, random: () => number) => Sheet;
  /** Rows of the changed sheet for one of the original. */
  readonly rowsPerRow: number;
  readonly expected: string;
}

const learningRows = skabProtocol.trainRows;
const tepStepMs = 180_000;
const minuteIn = learningRows + 60;
const deviations = (sheet: Sheet): number[] => deviationsOf(sheet, learningRows);

const variants: readonly Variant[] = [
  { name: 'as recorded', rowsPerRow: 1, expected: '', change: (sheet) => sheet },
  { name: 'channels in another order, under other names', rowsPerRow: 1, expected: 'the same', change: permuted },
  {
    name: 'every channel in other units (× e^(3N), shifted)',
    rowsPerRow: 1,
    expected: 'the same',
    change: (sheet, random) => inOtherUnits(sheet, gaussian(random), deviations(sheet)),
  },
  { name: 'every row twice', rowsPerRow: 2, expected: 'the same', change: twice },
  {
    name: 'polled 1.5 times as fast as the device refreshes',
    rowsPerRow: 1.5,
    expected: 'the same',
    change: (sheet) => polled(sheet, 1.5),
  },
  {
    name: 'half of the learning rows only (200)',
    rowsPerRow: 0.5,
    expected: '',
    change: (sheet) => pick(sheet, [...sheet.time.keys()].slice(learningRows / 2), sheet.time.slice(learningRows / 2)),
  },
  { name: 'means of two rows (200 rows learnt)', rowsPerRow: 0.5, expected: 'as with half of the rows', change: meansOfTwo },
  ...[2, 4].map(
    (times): Variant => ({
      name: `${times} rows a second, straight lines between the recorded ones`,
      rowsPerRow: times,
      expected: 'nearly the same',
      change: (sheet) => drawn(sheet, times),
    }),
  ),
  {
    name: 'polled 3 times as fast, and every channel refreshes at a moment of its own',
    rowsPerRow: 3,
    expected: 'the same',
    change: (sheet) => refreshedApart(sheet, 3),
  },
  {
    name: '3 of 8 channels refreshed every third row, held (too few rows for a wider grid)',
    rowsPerRow: 1,
    expected: 'a warning in the CARD',
    change: (sheet) => partlyHeld(sheet, 3),
  },
  {
    name: '5 % of all values lost',
    rowsPerRow: 1,
    expected: 'no more false alarms',
    change: (sheet, random) => withLosses(sheet, 0.05, 0, random),
  },
  {
    name: '5 % of all values lost, learnt without loss',
    rowsPerRow: 1,
    expected: 'no more false alarms',
    change: (sheet, random) => withLosses(sheet, 0.05, learningRows, random),
  },
  {
    name: '20 % of one channel lost, in bursts of 10',
    rowsPerRow: 1,
    expected: 'no more false alarms',
    change: (sheet, random) => withBursts(sheet, learningRows, random),
  },
  {
    name: 'one channel lost for good, a minute into the test',
    rowsPerRow: 1,
    expected: 'no more false alarms',
    change: (sheet, random) => withoutChannel(sheet, minuteIn, random),
  },
  {
    name: 'one channel stuck on its value, a minute into the test',
    rowsPerRow: 1,
    expected: 'no more false alarms',
    change: (sheet, random) => stuck(sheet, minuteIn, random),
  },
  {
    name: 'a slow drift of 2 deviations in 10 min in two channels',
    rowsPerRow: 1,
    expected: 'no more false alarms',
    change: (sheet, random) => drifting(sheet, 600, deviations(sheet), random),
  },
  {
    name: 'stray spikes of 20 deviations, one row in 200',
    rowsPerRow: 1,
    expected: 'no more false alarms',
    change: (sheet, random) => withSpikes(sheet, learningRows, deviations(sheet), random),
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
  return [...rows, ...(await averagedTep(context, precision))];
}

/** The long simulated recordings of Tennessee Eastman: enough rows are left when two are averaged. */
async function averagedTep(context: Context, precision: Precision): Promise<string[]> {
  const { data, scratch } = context;
  const rows = [
    '',
    `| Tennessee Eastman, long (${precision}) | mean fault detection rate | false-alarm rate before the faults | median delay |`,
    '|---|---|---|---|',
  ];
  for (const mean of [1, 2]) {
    const told = (name: string, most = Number.POSITIVE_INFINITY): string => {
      const path = join(scratch, `${mean}-${name}.csv`);
      writeFileSync(path, averagedText(readFileSync(join(data, `tep-sim/${name}.csv`), 'utf8'), mean, most));
      return path;
    };
    const trainCsv = [told('normal-a', 2_000)];
    const csv = ['f01', 'f04', 'f08', 'f10', 'f13', 'f20'].map((name) => told(name));
    const protocol = { csv, trainCsv, label: 'fault', ignore: ['sample'], stepMs: mean * tepStepMs };
    const of = pooledOf(await evaluate({ ...context, precisions: [precision] }, protocol))(precision);
    const name = mean === 1 ? 'as recorded: 2,000 rows of 3 min learnt' : 'means of two rows: 1,000 rows of 6 min learnt';
    rows.push(`| ${name} | ${shown.percent(meanFdr(of))} | ${shown.percent(of.far)} | ${shown.minutes(of.delayMedianS)} |`);
    process.stderr.write(`${rows.at(-1)}\n`);
  }
  return rows;
}

/** Of the label the first of the rows counts. */
function averagedText(text: string, rowsPerRow: number, most: number): string {
  const [head = '', ...lines] = text.trim().split(/\r?\n/);
  const label = head.split(',').indexOf('fault');
  const cells = lines.slice(0, most).map((line) => line.split(','));
  const means: string[] = [];
  for (let row = 0; row + rowsPerRow <= cells.length; row += rowsPerRow) {
    const group = cells.slice(row, row + rowsPerRow);
    const mean = (c: number): number => group.reduce((sum, one) => sum + Number(one[c]), 0) / rowsPerRow;
    means.push((group[0] as string[]).map((cell, c) => (c === label ? cell : String(mean(c)))).join(','));
  }
  return [head, ...means].join('\n');
}
