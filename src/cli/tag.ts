import { userInfo } from 'node:os';
import { Command } from 'commander';
import { FettleError } from '../core/errors.ts';
import type { TagNow } from '../gateway/tag-list.ts';
import { askGateway, directoryOf, type Where } from './ask-gateway.ts';

export function tagCommand(): Command {
  const command = new Command('tag').description('What happened to a sensor');
  command
    .command('replaced <tag>')
    .description('It has a new sensor: its level is measured anew within 20 rows, everything else goes on, and its history stays')
    .option('-c, --config <file>', 'configuration', 'fettle.yaml')
    .option('--data <directory>', 'data directory, instead of that of the configuration')
    .option('--json', 'one JSON document')
    .action(async (tag: string, where: Where) => {
      const directory = directoryOf(where);
      const known = (await askGateway<TagNow[]>(directory, 'GET', '/api/v1/tags')).find((one) => one.tag === tag);
      if (known === undefined || known.assets.length === 0)
        throw new FettleError('FETTLE_COMMAND_INVALID', known === undefined ? `there is no tag ${tag}` : `no asset watches ${tag}`, {
          hint: 'fettle tags lists them',
        });
      for (const asset of known.assets)
        await askGateway(directory, 'POST', '/api/v1/commands/tagReplaced', { asset, tag, by: userInfo().username });
      process.stdout.write(
        where.json === true
          ? `${JSON.stringify({ tag, assets: known.assets })}\n`
          : `${tag}: measured anew for ${known.assets.join(', ')}\n`,
      );
    });
  return command;
}
