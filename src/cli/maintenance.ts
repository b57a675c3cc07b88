import { userInfo } from 'node:os';
import { Command } from 'commander';
import { askGateway, directoryOf, type Where, withWhere } from './ask-gateway.ts';

interface StartOptions extends Where {
  readonly for: string;
  readonly reason?: string;
}

interface EndOptions extends Where {
  readonly rebaseline?: boolean;
}

async function say(where: Where, verb: string, command: object, text: string): Promise<void> {
  const answer = await askGateway<object>(directoryOf(where), 'POST', `/api/v1/commands/${verb}`, { ...command, by: userInfo().username });
  process.stdout.write(where.json === true ? `${JSON.stringify(answer)}\n` : `${text}\n`);
}

/** People work on a machine: nothing of it is raised, judged or learnt. */
export function maintenanceCommand(): Command {
  const command = new Command('maintenance').description('Work on a machine: while it lasts nothing is raised, judged or learnt');
  withWhere(command.command('start <asset>').description('It begins now'))
    .option('--for <duration>', 'when it is over at the latest, e.g. 4h', '8h')
    .option('--reason <text>', 'what is done')
    .action((asset: string, { for: duration, reason, ...where }: StartOptions) =>
      say(
        where,
        'maintenanceStart',
        { asset, for: duration, ...(reason !== undefined && { comment: reason }) },
        `${asset}: maintenance for ${duration}`,
      ),
    );
  withWhere(command.command('end <asset>').description('It is over'))
    .option('--rebaseline', 'it runs at other levels now: the baseline of the detector begins anew')
    .action((asset: string, { rebaseline = false, ...where }: EndOptions) =>
      say(where, 'maintenanceEnd', { asset, rebaseline }, `${asset}: maintenance is over${rebaseline ? ', the baseline begins anew' : ''}`),
    );
  return command;
}
