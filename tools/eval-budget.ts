/**
 * Is the budget of false alarms kept over weeks, and is wear spoken of before it has gone far? npm run eval:budget [-- --data DIR] [--seeds N] [--days N] [--only NAME]. Machines of the
 * simulator and recordings, learnt and judged as the gateway does for an asset that learns from itself. A full run writes its tables into docs/measurements.md.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { RecordedRows } from '../src/gateway/recording-run.ts';
import { readRecording } from '../src/learning/evaluation/recording.ts';
import { weekMachines, weeksOf } from '../src/simulator/weeks.ts';
import { type Kept, keptBy, pooled } from './budget/kept.ts';
import { type Budget, budgets, dayMs } from './budget/subject.ts';
import { keptHead, keptLine, wornHead, wornLines } from './budget/tables.ts';
import { type Wearing, wearDays, wearing, wearTo } from './budget/worn.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    data: { type: 'string', default: join(root, '../shared/data') },
    seeds: { type: 'string', default: '5' },
    days: { type: 'string', default: '28' },
    only: { type: 'string', multiple: true },
  },
});
const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => 101 + i);
const days = Number(values.days);
/** `learn.established` of an asset. */
const learnDays = 3;
const weekendLoad = 0.7;
const grids = [10_000, 60_000] as const;
const allBudgets = Object.keys(budgets) as Budget[];

async function simulated(): Promise<string[]> {
  const lines: string[] = [];
  for (const stepMs of grids) {
    for (const budget of allBudgets) {
      const all: Kept[] = [];
      for (const machine of weekMachines) {
        const kept: Kept[] = [];
        for (const seed of seeds) {
          const recorded = weeksOf({ machine, seed, days, stepMs });
          kept.push(await keptBy({ recorded, stepMs, learningRows: (learnDays * dayMs) / stepMs }, budget));
        }
        all.push(...kept);
        lines.push(said(keptLine(machine, `${stepMs / 1000} s`, budget, pooled(kept))));
      }
      lines.push(said(keptLine('**all four**', `${stepMs / 1000} s`, budget, pooled(all))));
    }
  }
  return lines;
}

/** Weekends of a load that the three days of learning never had. */
async function weekends(): Promise<string[]> {
  const stepMs = 60_000;
  const lines: string[] = [];
  for (const budget of allBudgets) {
    const kept: Kept[] = [];
    for (const machine of weekMachines) {
      for (const seed of seeds) {
        const recorded = weeksOf({ machine, seed, days, stepMs, weekendLoad });
        kept.push(await keptBy({ recorded, stepMs, learningRows: (learnDays * dayMs) / stepMs }, budget));
      }
    }
    lines.push(
      said(keptLine(`all four, weekends at ${100 * weekendLoad} % load, never learnt`, `${stepMs / 1000} s`, budget, pooled(kept))),
    );
  }
  return lines;
}

/** 30 days of the Tennessee Eastman process, of which 2,000 rows teach, and what eight other recordings of it hold before their faults. */
async function tennessee(): Promise<string[]> {
  const folder = join(values.data, 'tep-sim');
  if (!existsSync(folder)) return [];
  const stepMs = 180_000;
  const read = async (name: string): Promise<RecordedRows> => {
    const recording = await readRecording(join(folder, `${name}.csv`), {
      time: undefined,
      label: 'fault',
      ignore: ['sample'],
      rowMs: stepMs,
      mayLack: true,
    });
    const fault = recording.label?.indexOf(1) ?? -1;
    const rows = fault === -1 ? recording.timeMs.length : fault;
    return {
      columns: recording.columns,
      timeMs: recording.timeMs.subarray(0, rows),
      values: recording.values.map((column) => column.subarray(0, rows)),
    };
  };
  const recorded = await read('normal-a');
  const others: RecordedRows[] = [];
  for (const name of ['f01', 'f04', 'f08', 'f10', 'f13', 'f20', 'f01-recovery', 'f04-recovery']) others.push(await read(name));
  const lines: string[] = [];
  for (const budget of allBudgets)
    lines.push(
      said(keptLine('Tennessee Eastman', '180 s', budget, await keptBy({ recorded, stepMs, learningRows: 2_000 }, budget, others))),
    );
  return lines;
}

async function worn(): Promise<string[]> {
  const stepMs = 60_000;
  const twins: Wearing[] = [];
  const lines: string[] = [];
  for (const machine of weekMachines) {
    const all: Wearing[] = [];
    for (const seed of seeds) all.push(await wearing(machine, seed, stepMs));
    twins.push(...all);
    for (const line of wornLines(machine, all)) lines.push(said(line));
  }
  const sum = (of: (twin: Wearing) => number): number => twins.reduce((total, twin) => total + of(twin), 0);
  return [
    ...lines,
    '',
    said(
      `Twins that do not wear: ${sum(({ falseWarnings }) => falseWarnings)} warnings and ${sum(({ falseAlarms }) => falseAlarms)} alarms in ${sum((twin) => twin.days).toFixed(0)} days.`,
    ),
  ];
}

function said(line: string): string {
  process.stderr.write(`${line}\n`);
  return line;
}

const wanted = (name: string): boolean => values.only?.includes(name) !== false;
const tables = [
  '',
  `**False alarms against the budget: four simulated machines of ${seeds.length} seeds, ${days} days each, of which ${learnDays} teach; and the normal stretches of the long recordings**`,
  '',
  ...keptHead,
  ...(wanted('simulated') ? await simulated() : []),
  ...(wanted('weekends') ? await weekends() : []),
  ...(wanted('tennessee') ? await tennessee() : []),
  '',
  `**Wear: a ramp from 0 to ${wearTo} deviations over ${wearDays} days in one channel, or a bearing that wears until some channel has moved as far (${seeds.length} seeds, 60 s grid)**`,
  '',
  ...wornHead,
  ...(wanted('worn') ? await worn() : []),
];
process.stdout.write(`${tables.join('\n')}\n`);
// A trial is not a measurement.
if (values.only === undefined && values.seeds === '5' && values.days === '28') {
  const file = join(root, 'docs/measurements.md');
  const [open, close] = ['<!-- budget -->', '<!-- /budget -->'];
  const text = readFileSync(file, 'utf8');
  if (!text.includes(open)) throw new Error(`${file} has no ${open}`);
  writeFileSync(file, `${text.slice(0, text.indexOf(open) + open.length)}\n${tables.join('\n')}\n\n${text.slice(text.indexOf(close))}`);
}
