import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { Command } from 'commander';
import type { AssetModels } from '../gateway/model-control.ts';
import { time } from './arguments.ts';
import { askGateway, directoryOf, type Where, withWhere } from './ask-gateway.ts';
import { modelCompare } from './model-compare.ts';
import { modelImportCommand } from './model-import.ts';

/** Asks the gateway to change something, in the name of who sits here. */
function ask<Answer>(where: Where, what: string, request: object): Promise<Answer> {
  return askGateway<Answer>(directoryOf(where), 'POST', `/api/v1/models/${what}`, { ...request, by: userInfo().username });
}

const say = ({ json }: Where, answer: object, text: string): void => {
  process.stdout.write(json === true ? `${JSON.stringify(answer)}\n` : `${text}\n`);
};

async function putInForce(where: Where, what: 'use' | 'promote', request: object): Promise<void> {
  const { bundle } = await ask<{ bundle: string }>(where, what, request);
  say(where, { bundle }, `in force: ${bundle}`);
}

async function done(where: Where, what: 'discard' | 'learn' | 'cancel', asset: string, text: string): Promise<void> {
  say(where, await ask<object>(where, what, { asset }), text);
}

export function modelCommand(): Command {
  const command = new Command('model').description(
    'Models of assets that learn from themselves: what is in force, and another one instead; and models of your own',
  );
  const sub = (usage: string, description: string): Command => withWhere(command.command(usage).description(description));
  sub('list', 'What is in force, what judges beside it, and what is at hand').action(async (where: Where) => {
    const models = await askGateway<AssetModels[]>(directoryOf(where), 'GET', '/api/v1/models');
    process.stdout.write(where.json === true ? `${JSON.stringify(models)}\n` : render(models));
  });
  sub('use <asset> <version>', 'Put a model that is at hand in force; learning leaves it alone').action(
    (asset: string, version: string, where: Where) => putInForce(where, 'use', { asset, version }),
  );
  sub('rollback <asset>', 'Back to the model before this one').action((asset: string, where: Where) => putInForce(where, 'use', { asset }));
  sub('install <asset> <folder>', 'Take a bundle from a stick and put it in force').action((asset: string, folder: string, where: Where) =>
    putInForce(where, 'use', { asset, folder: resolve(folder) }),
  );
  sub('learn <asset>', 'Learn a candidate now, from the healthy history there is; it judges beside the model in force, unheard').action(
    (asset: string, where: Where) =>
      done(where, 'learn', asset, `${asset} learns a candidate as soon as nothing else is learning; fettle status shows how far it is`),
  );
  sub('cancel <asset>', 'Give up what it is learning').action((asset: string, where: Where) =>
    done(where, 'cancel', asset, `${asset} learns nothing now`),
  );
  sub(
    'compare <asset> [versions...]',
    'What two models say of the same history: those named, else the one in force and its candidate or the one before it',
  )
    .option('--from <time>', 'first event time (ISO 8601 or epoch)', time)
    .option('--to <time>', 'last event time', time)
    .action(modelCompare);
  sub('promote <asset>', 'Put the candidate in force').action((asset: string, where: Where) => putInForce(where, 'promote', { asset }));
  sub('discard <asset>', 'Put the candidate aside; it stays at hand').action((asset: string, where: Where) =>
    done(where, 'discard', asset, `${asset} has no candidate now`),
  );
  command.addCommand(modelImportCommand());
  return command;
}

function render(models: readonly AssetModels[]): string {
  if (models.length === 0) return 'no asset learns from itself (detector: { learn: {} })\n';
  return models
    .map(({ asset, inForce, candidate, stored }) => {
      const chosen = inForce?.by == null ? '' : `, chosen by ${inForce.by}`;
      const rows = stored.map(({ bundle, version, stage, precision, createdAt, rows: learnt }) => {
        const mark = bundle === inForce?.bundle ? '*' : bundle === candidate?.bundle ? '+' : bundle === inForce?.previous ? '-' : ' ';
        return `  ${mark} ${version.padEnd(18)} ${stage.padEnd(12)} ${precision}  ${createdAt.slice(0, 16).replace('T', ' ')}  ${learnt} rows`;
      });
      const beside =
        candidate === null
          ? []
          : [
              `    the candidate (${candidate.reason}): ${candidate.tally.candidate.alarms} alarms in ${candidate.tally.candidate.rows} rows, ${candidate.tally.active.alarms} by the model in force`,
            ];
      return `${[`${asset}${inForce === null ? ': no model yet' : chosen}`, ...rows, ...beside].join('\n')}\n`;
    })
    .concat('\n* in force   + candidate   - the one before\n')
    .join('');
}
