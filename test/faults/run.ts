/** The long campaigns: npm run test:faults -- kill|power [--rounds 1000] [--seed N], npm run test:faults -- modbus [--reads 200000] [--seed N],
 *  npm run test:faults -- modbus-fuzz [--replies 1000000] [--seed N], npm run test:faults -- month [--step 60] [--seed N] [--without maintenance|commit] */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { campaign } from './campaign.ts';
import { reportFuzz, reportModbus } from './modbus-report.ts';
import { reportMonth } from './month-report.ts';
import { reportMqttFuzz } from './mqtt-report.ts';

const { values, positionals } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1000' },
    reads: { type: 'string', default: '200000' },
    replies: { type: 'string', default: '1000000' },
    payloads: { type: 'string', default: '1000000' },
    step: { type: 'string', default: '60' },
    without: { type: 'string' },
    seed: { type: 'string' },
  },
  allowPositionals: true,
});
const [kind] = positionals;
if (kind === 'mqtt-fuzz') process.exit(reportMqttFuzz(Number(values.payloads), Number(values.seed ?? 1)));
if (kind === 'modbus-fuzz') process.exit(await reportFuzz(Number(values.replies), Number(values.seed ?? 1)));
if (kind === 'modbus') process.exit(await reportModbus(Number(values.reads), Number(values.seed ?? 1)));
if (kind === 'month')
  process.exit(await reportMonth({ stepMs: Number(values.step) * 1000, seed: Number(values.seed ?? 1), without: values.without }));
if (kind !== 'kill' && kind !== 'power') {
  process.stderr.write('say which: kill, power, modbus, modbus-fuzz or month\n');
  process.exit(2);
}
const rounds = Number(values.rounds);
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9));
process.stdout.write(`${kind}: ${rounds} rounds, seed ${seed} (--seed ${seed} repeats them)\n`);
const directory = mkdtempSync(join(tmpdir(), 'fettle-faults-'));
const began = Date.now();
const account = await campaign({
  rounds,
  seed,
  directory,
  cutPower: kind === 'power',
  onRound: (round) => {
    if (process.stdout.isTTY || round % 50 === 0)
      process.stdout.write(process.stdout.isTTY ? `\r${round}/${rounds}` : `${round}/${rounds}\n`);
  },
});
if (account === undefined) {
  process.stderr.write('mosquitto and influxd have to be installed\n');
  process.exit(2);
}
const sorted = [...account.readyMs].sort((a, b) => a - b);
const at = (p: number): number => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? 0);
const same = (a: readonly unknown[], b: readonly unknown[]): boolean => JSON.stringify(a) === JSON.stringify(b);
const checks: [string, boolean][] = [
  [`${account.lost.length} of ${account.published} acknowledged samples lost`, account.lost.length === 0],
  [`${account.duplicated} samples twice in the journal`, account.duplicated === 0],
  [`${account.kept.length} scores kept, ${account.replayed.length} in an offline replay`, same(account.kept, account.replayed)],
  [
    `${account.transitions.length} alarm transitions kept, ${account.replayedTransitions.length} in an offline replay`,
    same(account.transitions, account.replayedTransitions),
  ],
  [`${account.unheard.length} transitions no subscriber heard`, account.unheard.length === 0],
  [`${account.undelivered} scores the sink did not get`, account.undelivered === 0],
  [`${account.contradicted} points sent again with other content`, account.contradicted === 0],
];
process.stdout.write(`\n${checks.map(([text, good]) => `  ${good ? 'ok  ' : 'FAIL'} ${text}`).join('\n')}\n`);
process.stdout.write(
  `  ready again after p50 ${at(0.5)} ms, p99 ${at(0.99)} ms; ${account.modbusSamples} Modbus samples beside; ${account.undoneWrites} unsynced writes taken away; ${Math.round((Date.now() - began) / 1000)} s\n`,
);
rmSync(directory, { recursive: true, force: true });
process.exit(checks.every(([, good]) => good) ? 0 : 1);
