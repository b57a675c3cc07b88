/** Every figure beside its limit, in one run: npm run bench [-- NAME …] [--json FILE] [--long] */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { benchAlarms } from './alarms.ts';
import { benchDashboard } from './dashboard.ts';
import { benchIngest } from './ingest.ts';
import { benchJournal } from './journal.ts';
import { benchLatency, benchSlowDisk } from './latency.ts';
import { benchLearn } from './learn.ts';
import { benchMemory } from './memory.ts';
import { benchModbus } from './modbus.ts';
import { benchNodeRed } from './node-red.ts';
import { benchQuantization } from './quantization.ts';
import { benchColumns, benchRate, benchRateQos1 } from './rate.ts';
import { benchScore } from './score.ts';
import { benchSerial } from './serial.ts';
import { BenchSite } from './support/bench-site.ts';
import { type BenchRow, missing } from './support/row.ts';
import { slowDisk } from './support/slow-disk.ts';
import { benchSync } from './sync.ts';
import { benchTrain } from './train.ts';

const { values, positionals } = parseArgs({
  options: { json: { type: 'string' }, long: { type: 'boolean', default: false } },
  allowPositionals: true,
});

interface Bench {
  readonly name: string;
  /** Unit and target of the row that stands there when a peer is missing. */
  readonly unit: string;
  readonly target: number;
  run(site: BenchSite | undefined): Promise<readonly BenchRow[]>;
}

const withSite = (run: (site: BenchSite) => Promise<readonly BenchRow[]>) => (site: BenchSite | undefined) =>
  site === undefined ? Promise.resolve([]) : run(site);

const benches: readonly Bench[] = [
  { name: 'ingest', unit: 'µs CPU/message', target: 1.6, run: withSite(benchIngest) },
  { name: 'rate', unit: 'messages/s', target: 0.75, run: withSite(benchRate) },
  { name: 'rate-qos1', unit: 'messages/s', target: 0.5, run: withSite(benchRateQos1) },
  { name: 'columns', unit: 'samples/s', target: 1_000_000, run: withSite(benchColumns) },
  { name: 'latency', unit: 'ms', target: 1, run: withSite(benchLatency) },
  { name: 'slow-disk', unit: 'ms p99', target: 10, run: withSite(async (site) => benchSlowDisk(site, await slowDisk(site.directory, 50))) },
  { name: 'score', unit: 'windows/s', target: 0.7, run: () => benchScore() },
  { name: 'modbus', unit: 'requests', target: 1.05, run: () => benchModbus() },
  { name: 'serial', unit: 'ms a cycle', target: 1.1, run: () => benchSerial() },
  { name: 'journal', unit: 'rows/s', target: 0.6, run: () => benchJournal() },
  { name: 'sync', unit: 'points/s', target: 0.8, run: () => benchSync() },
  { name: 'train', unit: 'steps/s', target: 2, run: () => benchTrain() },
  { name: 'learn', unit: 's', target: 1, run: (site) => benchLearn(site) },
  { name: 'node-red', unit: 'messages/s', target: 0.8, run: withSite(benchNodeRed) },
  { name: 'alarms', unit: 'ms p99', target: 1, run: withSite(benchAlarms) },
  { name: 'dashboard', unit: 'µs CPU/message', target: 1.1, run: (site) => benchDashboard(site) },
  { name: 'quantization', unit: 'bytes', target: 11, run: () => benchQuantization() },
  { name: 'memory', unit: 'MB RSS', target: 60, run: withSite((site) => benchMemory(site, values.long)) },
];

const wanted = positionals.length === 0 ? benches : benches.filter(({ name }) => positionals.includes(name));
if (wanted.length === 0) {
  process.stderr.write(`there is no bench ${positionals.join(', ')}; there are ${benches.map(({ name }) => name).join(', ')}\n`);
  process.exit(2);
}
const number = (value: number | null): string =>
  value === null ? '-' : value >= 10_000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
const rows: BenchRow[] = [];
process.stdout.write(
  `${'bench'.padEnd(10)} ${'value'.padStart(12)}  ${'limit'.padStart(12)}  ${'ratio'.padStart(6)}  ${'target'.padStart(9)}  reached  unit\n`,
);
const site = await BenchSite.start();
try {
  for (const { name, unit, target, run } of wanted) {
    let found: readonly BenchRow[] = [];
    try {
      found = await run(site);
    } catch (error) {
      process.stderr.write(`${name}: ${error instanceof Error ? error.stack : String(error)}\n`);
    }
    for (const row of found.length === 0 ? [missing(name, unit, target)] : found) {
      rows.push(row);
      process.stdout.write(
        `${row.name.padEnd(10)} ${number(row.value).padStart(12)}  ${number(row.limit).padStart(12)}  ${number(row.ratio).padStart(6)}  ${number(row.target).padStart(9)}  ${(row.reached ? 'yes' : 'NO').padEnd(7)}  ${row.unit}\n`,
      );
    }
  }
} finally {
  await site?.dispose();
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
process.exit(0);
