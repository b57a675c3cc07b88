import { styleText } from 'node:util';
import { Command } from 'commander';
import { examine, type Finding } from './doctor-checks.ts';

const marks = { good: ['●', 'green'], warning: ['▲', 'yellow'], bad: ['✗', 'red'] } as const;

export const doctorCommand = (): Command =>
  new Command('doctor')
    .description(
      'Look at everything around the gateway: runtime, disk, clock, ports, serial adapters, and whether devices and brokers can be reached',
    )
    .option('-c, --config <file>', 'configuration', 'fettle.yaml')
    .option('--json', 'one JSON document')
    .action(async ({ config, json }: { config: string; json?: boolean }) => {
      const findings: Finding[] = [];
      for await (const finding of examine(config)) {
        findings.push(finding);
        if (json !== true) process.stdout.write(line(finding));
      }
      if (json === true) process.stdout.write(`${JSON.stringify(findings)}\n`);
      if (findings.some(({ state }) => state === 'bad')) process.exitCode = 1;
    });

function line({ state, what, found, advice }: Finding): string {
  const [mark, colour] = marks[state];
  const text = `${styleText(colour, mark, { stream: process.stdout })} ${what.padEnd(14)} ${found}\n`;
  return advice === undefined ? text : `${text}${' '.repeat(17)}→ ${advice}\n`;
}
