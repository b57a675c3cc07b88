import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { EvaluatedFile } from '../../src/learning/evaluation/report.ts';
import { type Context, evaluate, filesIn } from './context.ts';
import { atLeast, atMost, halvesOf, pooledOf, shown, table } from './figures.ts';

/** Windows of the labels file become a column; the first 15 % of a series is probation, as published. */
export async function nab(context: Context): Promise<string[]> {
  const { data, scratch, precisions } = context;
  const windows = JSON.parse(readFileSync(join(data, 'nab/labels/combined_windows.json'), 'utf8')) as Record<string, [string, string][]>;
  const evaluated: EvaluatedFile[] = [];
  for (const folder of ['artificialNoAnomaly', 'artificialWithAnomaly', 'realKnownCause']) {
    for (const file of filesIn(context, `nab/${folder}`)) {
      const [head = '', ...lines] = readFileSync(file, 'utf8').trim().split(/\r?\n/);
      const spans = windows[`${folder}/${basename(file)}`] ?? [];
      const inside = (time: string): boolean => spans.some(([from, to]) => time >= from.slice(0, 19) && time <= to.slice(0, 19));
      const labelled = join(scratch, basename(file));
      writeFileSync(labelled, [`${head},label`, ...lines.map((line) => `${line},${Number(inside(line.slice(0, 19)))}`)].join('\n'));
      const trainRows = Math.floor(lines.length * 0.15);
      evaluated.push(...(await evaluate(context, { csv: [labelled], time: 'timestamp', label: 'label', trainRows })));
    }
  }
  const of = pooledOf(evaluated);
  const [, [, a], [, b]] = halvesOf(evaluated) as [unknown, readonly [string, EvaluatedFile[]], readonly [string, EvaluatedFile[]]];
  const [ofA, ofB] = [pooledOf(a), pooledOf(b)];
  return table(
    `NAB, ${evaluated.length} univariate series, ${of(precisions[0] ?? 'int8').events} windows after the first 15 % (a smoke test: contextual faults of one variable are outside this detector's reach)`,
    precisions,
    [
      { name: 'windows found', recipe: '8', target: atLeast(10, '10'), of: (p) => of(p).events - of(p).missed, shown: shown.count },
      { name: 'half A, half B: A', of: (p) => ofA(p).events - ofA(p).missed, shown: shown.count },
      { name: 'half A, half B: B', of: (p) => ofB(p).events - ofB(p).missed, shown: shown.count },
      { name: 'false episodes a day', recipe: '0.06', target: atMost(0.1, '0.1'), of: (p) => of(p).episodesPerDay, shown: shown.three },
      { name: 'share of normal time in alarm', of: (p) => of(p).far, shown: shown.percent },
    ],
  );
}
