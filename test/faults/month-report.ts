import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dayMs, monthDays, monthStartMs } from './month-calendar.ts';
import { playMonth } from './month-campaign.ts';
import type { MonthAccount, Raised } from './month-judge.ts';
import { machineKinds } from './month-machines.ts';
import { monthPlan } from './month-plan.ts';

export interface ReportOptions {
  readonly seed: number;
  readonly stepMs: number;
  /** A deliberately broken run: without the commands of the maintenance shift, or with a build that acknowledges before the commit. */
  readonly without?: string | undefined;
}

/** More than a month of four machines takes on a grid of ten seconds. */
const maxBytes = 400_000_000;

/** Plays the month with all four machines and prints what was found. Returns the exit code: 0 where nothing was lost, false or missed. */
export async function reportMonth({ seed, stepMs, without }: ReportOptions): Promise<number> {
  const began = Date.now();
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  const assets = machineKinds.map(({ asset }) => asset);
  say(`a month of ${assets.length} machines, a row every ${stepMs / 1000} s, seed ${seed} (--seed ${seed} repeats it)`);
  const plan = monthPlan(assets, monthDays, monthStartMs);
  const directory = mkdtempSync(join(tmpdir(), 'fettle-month-'));
  try {
    const account = await playMonth({
      plan: without === 'maintenance' ? { ...plan, acts: plan.acts.filter(({ kind }) => kind !== 'command') } : plan,
      stepMs,
      seed,
      directory,
      limits: { maxBytes },
      build: without === 'commit' ? { acknowledge: 'beforeCommit' } : {},
      say,
    });
    if (account === undefined) {
      process.stderr.write('mosquitto has to be installed\n');
      return 2;
    }
    const days = (plan.toMs - plan.fromMs) / dayMs;
    for (const alarm of account.falseAlarms) say(`  false        ${wordsOf(alarm)}`);
    for (const alarm of account.provisionalAlarms) say(`  provisional  ${wordsOf(alarm)}`);
    for (const alarm of account.trueAlarms) say(`  true         ${alarm.what}: ${wordsOf(alarm)}`);
    const checks = checksOf(account, maxBytes);
    say(`\n${checks.map(([text, good]) => `  ${good ? 'ok  ' : 'FAIL'} ${text}`).join('\n')}`);
    say(
      `  ${days.toFixed(0)} days, ${account.scores} scores, ${account.provisionalAlarms.length} alarms of provisional models, ${account.undoneWrites} unsynced writes taken away, ${account.restarts} starts; ${Math.round((Date.now() - began) / 1000)} s`,
    );
    return checks.every(([, good]) => good) ? 0 : 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** What the month promises, and whether it was kept. */
export function checksOf(account: MonthAccount, limitBytes: number): [string, boolean][] {
  const { lost, messages, samples, duplicated, miscounted, falseAlarms, missed, unheard, ghosts, highestBytes, highestFileBytes } = account;
  return [
    [`${lost.length} of ${messages} acknowledged messages lost (${samples} samples)`, lost.length === 0],
    [
      `${duplicated} messages twice in the journal; ${miscounted.length} tags with another number of samples`,
      duplicated + miscounted.length === 0,
    ],
    [`${falseAlarms.length} false alarms of established models and rules`, falseAlarms.length === 0],
    [`${missed.length} true faults not raised in time${missed.map((what) => `; ${what}`).join('')}`, missed.length === 0],
    [
      `${unheard.length} transitions no subscriber heard, ${ghosts} heard that did not happen${unheard.map((id) => `; ${id}`).join('')}`,
      unheard.length + ghosts === 0,
    ],
    [
      `at most ${(highestBytes / 1e6).toFixed(1)} MB in the database, its files ${(highestFileBytes / 1e6).toFixed(1)} MB, of ${limitBytes / 1e6} MB`,
      Math.max(highestBytes, highestFileBytes) <= limitBytes,
    ],
  ];
}

const wordsOf = ({ asset, rule, at, message }: Raised): string => `${at} ${asset} ${rule}: ${message}`;
