import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Precision } from '../../src/learning/evaluation/report.ts';
import { type Context, evaluate, filesIn } from './context.ts';
import { atLeast, atMost, halvesOf, meanFdr, pooledOf, shown, table } from './figures.ts';

/** The published protocols use measurements 1 to 22 and the manipulated variables. */
const slowlyAnalysed = Array.from({ length: 19 }, (_, i) => `XMEAS${i + 23}`);
const stepMs = 180_000;

export async function tep(context: Context): Promise<string[]> {
  const csv = filesIn(context, 'tep').filter((file) => file.endsWith('_te.csv'));
  const protocol = { csv, label: 'fault', ignore: ['sample', ...slowlyAnalysed], trainCsv: [join(context.data, 'tep/d00.csv')], stepMs };
  const files = await evaluate(context, protocol);
  const withWarning = await evaluate(context, { ...protocol, withDrift: true });
  const of = pooledOf(files);
  const ofBoth = pooledOf(withWarning);
  const [, [, a], [, b]] = halvesOf(files) as [unknown, readonly [string, typeof files], readonly [string, typeof files]];
  const [ofA, ofB] = [pooledOf(a), pooledOf(b)];
  const thirteen = (p: Precision): number => of(p).faults.find(({ fault }) => fault.endsWith('13'))?.fdr ?? Number.NaN;
  return table(`Tennessee Eastman (Braatz files), ${csv.length} faults, learnt on the 500 rows of d00`, context.precisions, [
    {
      name: 'mean fault detection rate',
      known: '68.9 % (DPCA), 71.9 % (PCA)',
      recipe: '84.9 %',
      target: atLeast(0.87, '87 %'),
      of: (p) => meanFdr(of(p)),
      shown: shown.percent,
    },
    { name: 'half A, half B: A', of: (p) => meanFdr(ofA(p)), shown: shown.percent },
    { name: 'half A, half B: B', of: (p) => meanFdr(ofB(p)), shown: shown.percent },
    { name: 'alarm or slow-change warning', of: (p) => meanFdr(ofBoth(p)), shown: shown.percent },
    {
      name: 'false-alarm rate before the fault',
      known: '0.8 % (DPCA)',
      recipe: '0.0 %',
      target: atMost(0.005, '0.5 %'),
      of: (p) => of(p).far,
      shown: shown.percent,
    },
    { name: 'the same with warnings', of: (p) => ofBoth(p).far, shown: shown.percent },
    {
      name: 'median delay',
      known: '33 min (DPCA)',
      recipe: '75 min',
      target: atMost(45 * 60, '45 min'),
      of: (p) => of(p).delayMedianS,
      shown: shown.minutes,
    },
    { name: 'slow fault 13', known: '95.3 % (DPCA)', target: atLeast(0.9, '90 %'), of: thirteen, shown: shown.percent },
  ]);
}

export async function tepSim(context: Context): Promise<string[]> {
  const { data, scratch, precisions } = context;
  const normal = join(data, 'tep-sim/normal-a.csv');
  const learning = join(scratch, 'normal-2000.csv');
  writeFileSync(learning, readFileSync(normal, 'utf8').split('\n').slice(0, 2001).join('\n'));
  const common = { label: 'fault', ignore: ['sample'], stepMs } as const;
  const ofNormal = pooledOf(await evaluate(context, { ...common, csv: [normal], trainRows: 2000 }));
  const ofWarned = pooledOf(await evaluate(context, { ...common, csv: [normal], trainRows: 2000, withDrift: true }));
  const named = (names: readonly string[]): string[] => names.map((name) => join(data, `tep-sim/${name}.csv`));
  const faults = await evaluate(context, { ...common, csv: named(['f01', 'f04', 'f08', 'f10', 'f13', 'f20']), trainCsv: [learning] });
  const of = pooledOf(faults);
  const [, [, a], [, b]] = halvesOf(faults) as [unknown, readonly [string, typeof faults], readonly [string, typeof faults]];
  const [ofA, ofB] = [pooledOf(a), pooledOf(b)];
  const recoveries = await evaluate(context, { ...common, csv: named(['f01-recovery', 'f04-recovery']), trainCsv: [learning] });
  const cleared = (p: Precision): number => recoveries.filter(({ series }) => series.get(p)?.alarm.at(-1) === 0).length;
  return table(
    `Tennessee Eastman, long simulated recordings, learnt on 2,000 rows (${ofNormal(precisions[0] ?? 'int8').normalHours.toFixed(0)} normal hours; six faults)`,
    precisions,
    [
      {
        name: 'false episodes in the normal hours',
        recipe: '0',
        target: atMost(1, '1'),
        of: (p) => ofNormal(p).episodes,
        shown: shown.count,
      },
      { name: 'the same with slow-change warnings', of: (p) => ofWarned(p).episodes, shown: shown.count },
      { name: 'share of the normal hours in alarm or warning', of: (p) => ofWarned(p).far, shown: shown.percent },
      {
        name: 'mean fault detection rate',
        recipe: '93.1 %',
        target: atLeast(0.94, '94 %'),
        of: (p) => meanFdr(of(p)),
        shown: shown.percent,
      },
      { name: 'half A, half B: A', of: (p) => meanFdr(ofA(p)), shown: shown.percent },
      { name: 'half A, half B: B', of: (p) => meanFdr(ofB(p)), shown: shown.percent },
      { name: 'false-alarm rate before the faults', of: (p) => of(p).far, shown: shown.percent },
      { name: 'median delay', recipe: '80 min', target: atMost(65 * 60, '65 min'), of: (p) => of(p).delayMedianS, shown: shown.minutes },
      { name: 'recoveries that clear', recipe: '2 of 2', target: atLeast(2, '2 of 2'), of: cleared, shown: shown.count },
    ],
  );
}
