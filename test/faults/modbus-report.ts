import { isOfUnit, play, scenarios, type Verdict } from './modbus-campaign.ts';
import { fuzzModbus } from './modbus-fuzz.ts';

/** All at once, for each waits most of its time; periods are about a second, and differ so that not all poll at the same moment. */
const shortestPeriodMs = 900;
const periodStepMs = 3;
const latest = 1.2;
/** What a collector may leave lying. */
const heapGrowth = 8e6;

/** Every Modbus fault on every carrier, `reads` together, as a table on standard output. Returns the exit code. */
export async function reportModbus(reads: number, seed: number): Promise<number> {
  const all = scenarios();
  const each = Math.ceil(reads / all.length);
  const verdicts: Verdict[] = [];
  process.stdout.write(`${all.length} faults, ${each} reads each, seed ${seed}\n`);
  process.stdout.write('carrier  fault                 reads    right      bad  wrong   p99/period  recovered\n');
  await Promise.all(
    all.map(async (scenario, i) => {
      const verdict = await play(scenario, each, seed + i, shortestPeriodMs + periodStepMs * i);
      if (verdict === undefined) return;
      verdicts.push(verdict);
      process.stdout.write(`${lineOf(verdict)}\n`);
      for (const wrong of verdict.wrong.slice(0, 3)) process.stdout.write(`  WRONG ${wrong}\n`);
    }),
  );
  const sum = (of: (verdict: Verdict) => number): number => verdicts.reduce((total, verdict) => total + of(verdict), 0);
  const late = verdicts.filter(({ fault, p99 }) => isOfUnit(fault) && !(p99 <= latest));
  const lost = verdicts.filter(({ recoveryMs }) => recoveryMs === undefined);
  const wrong = sum((verdict) => verdict.wrong.length);
  // What no fault at all does to them is the host's doing.
  const control = Math.max(...verdicts.filter(({ fault }) => fault === 'none').map(({ p99 }) => p99));
  const checks: [string, boolean][] = [
    [`${wrong} of ${sum(({ right, bad }) => right + bad) + wrong} values wrong, ${sum(({ reads: done }) => done)} reads`, wrong === 0],
    [
      `${late.length} faults of one unit made the others later than ${latest} periods (p99; without a fault ${control.toFixed(2)})`,
      late.length === 0,
    ],
    [`${lost.length} faults left something behind`, lost.length === 0],
    [`${all.length - verdicts.length} faults not played (socat is missing)`, verdicts.length === all.length],
  ];
  process.stdout.write(`\n${checks.map(([text, good]) => `  ${good ? 'ok  ' : 'FAIL'} ${text}`).join('\n')}\n`);
  return checks.every(([, good]) => good) ? 0 : 1;
}

/** 10^6 malformed replies: no crash, no wrong value, memory flat. Returns the exit code. */
export async function reportFuzz(replies: number, seed: number): Promise<number> {
  const { malformed, right, refused, wrong, growth } = await fuzzModbus(replies, seed);
  const checks: [string, boolean][] = [
    [
      `${wrong.length} wrong values from ${malformed} malformed replies, among ${right} right ones (${refused} lost beside them)`,
      wrong.length === 0,
    ],
    [`heap grew by ${(growth / 1e6).toFixed(1)} MB`, growth < heapGrowth],
  ];
  process.stdout.write(`${checks.map(([text, good]) => `  ${good ? 'ok  ' : 'FAIL'} ${text}`).join('\n')}\n`);
  for (const text of wrong.slice(0, 10)) process.stdout.write(`  WRONG ${text}\n`);
  return checks.every(([, good]) => good) ? 0 : 1;
}

function lineOf({ carrier, fault, reads, right, bad, wrong, p99, recoveryMs }: Verdict): string {
  const cells = [reads, right, bad].map((n) => String(n).padStart(8));
  const recovered = recoveryMs === undefined ? 'NOT' : `${(recoveryMs / 1000).toFixed(1)} s`;
  return `${carrier.padEnd(8)} ${fault.padEnd(20)}${cells.join(' ')} ${String(wrong.length).padStart(6)} ${p99.toFixed(2).padStart(12)} ${recovered.padStart(10)}`;
}
