/**
 * The detector on public recordings, one set of defaults for all: npm run eval:public [-- --data DIR] [--only NAME] [--robustness]. Prints the figures beside targets, others' and the
 * recipe's own, and writes those of a full run into docs/measurements.md. Defaults were chosen on half A; half B and all stand beside it.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Precision } from '../src/learning/evaluation/report.ts';
import type { Recipe } from '../src/learning/tracking/learn.ts';
import type { Context } from './public-recordings/context.ts';
import { nab } from './public-recordings/nab.ts';
import { probe } from './public-recordings/probe.ts';
import { robustness } from './public-recordings/robustness.ts';
import { skab } from './public-recordings/skab.ts';
import { tep, tepSim } from './public-recordings/tennessee-eastman.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    data: { type: 'string', default: join(root, '../shared/data') },
    robustness: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    precision: { type: 'string', multiple: true },
    /** JSON of changes to the recipe, for trials. */
    recipe: { type: 'string' },
  },
});
if (!existsSync(values.data)) {
  process.stderr.write(`there is no ${values.data}: give the folder of the recordings with --data\n`);
  process.exit(2);
}
const context: Context = {
  data: values.data,
  scratch: mkdtempSync(join(tmpdir(), 'fettle-eval-')),
  precisions: (values.precision as Precision[] | undefined) ?? (values.robustness ? ['int8'] : ['fp32', 'int8', 'int4', 'int2']),
  recipe: JSON.parse(values.recipe ?? '{}') as Partial<Recipe>,
};
const all: Readonly<Record<string, (context: Context) => Promise<string[]>>> = values.robustness
  ? { robustness }
  : { skab, tep, tepSim, probe, nab };
const rows: string[] = [];
try {
  for (const [name, run] of Object.entries(all)) {
    if (values.only?.includes(name) === false) continue;
    const lines = await run(context);
    rows.push(...lines);
    process.stdout.write(`${lines.join('\n')}\n`);
  }
} finally {
  rmSync(context.scratch, { recursive: true });
}
// A trial is not a measurement.
if (values.only === undefined && values.precision === undefined && values.recipe === undefined) {
  const file = join(root, 'docs/measurements.md');
  const mark = values.robustness ? 'eval:robustness' : 'eval:public';
  const [open, close] = [`<!-- ${mark} -->`, `<!-- /${mark} -->`];
  const text = readFileSync(file, 'utf8');
  if (!text.includes(open)) throw new Error(`${file} has no ${open}`);
  writeFileSync(file, `${text.slice(0, text.indexOf(open) + open.length)}\n${rows.join('\n')}\n\n${text.slice(text.indexOf(close))}`);
}
