import { userInfo } from 'node:os';
import { Argument, Command } from 'commander';
import { time } from './arguments.ts';
import { askGateway, directoryOf, type Where } from './ask-gateway.ts';

interface MarkOptions extends Where {
  readonly from?: number;
  readonly to?: number;
  readonly comment?: string;
}

const verdicts = { real: 'a fault', false: 'nothing', planned: 'work on the machine', newNormal: 'how it is to run from now on' } as const;

/** What an alarm or a stretch was: learning goes by it. */
export function markCommand(): Command {
  return new Command('mark')
    .description('Say what the last alarm of an asset was, or what it did in a stretch of time; learning goes by it')
    .argument('<asset>', 'the machine')
    .addArgument(
      new Argument('<verdict>', 'real: a fault; false: nothing; planned: work on it; newNormal: how it runs from now on is normal').choices(
        Object.keys(verdicts),
      ),
    )
    .option('-c, --config <file>', 'configuration', 'fettle.yaml')
    .option('--data <directory>', 'data directory, instead of that of the configuration')
    .option('--from <time>', 'beginning of the stretch (ISO 8601 or epoch); the last alarm when absent', time)
    .option('--to <time>', 'its end', time)
    .option('--comment <text>', 'why')
    .option('--json', 'one JSON document')
    .action(async (asset: string, verdict: keyof typeof verdicts, { from, to, comment, ...where }: MarkOptions) => {
      const answer = await askGateway<object>(directoryOf(where), 'POST', `/api/v1/commands/${verdict}`, {
        asset,
        by: userInfo().username,
        ...(from !== undefined && { from }),
        ...(to !== undefined && { to }),
        ...(comment !== undefined && { comment }),
      });
      process.stdout.write(where.json === true ? `${JSON.stringify(answer)}\n` : `${asset}: noted as ${verdicts[verdict]}\n`);
    });
}
