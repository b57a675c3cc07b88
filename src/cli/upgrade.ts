import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { styleText } from 'node:util';
import { Command } from 'commander';
import { parse } from 'yaml';
import { ConfigError, type LoadedConfig, loadConfig, type Problem } from '../config/load.ts';
import { FettleError, hasCode } from '../core/errors.ts';
import type { AssetModels } from '../gateway/model-control.ts';
import type { GatewayStatus } from '../gateway/status.ts';
import type { RunningGateway } from '../gateway/upgrade-report.ts';
import { askGateway, directoryOf, type Where, withWhere } from './ask-gateway.ts';
import { renderUpgrade } from './upgrade-view.ts';

export function upgradeCommand(): Command {
  const command = new Command('upgrade').description('Before and after a new version');
  const sub = (name: string, description: string): Command => withWhere(command.command(name).description(description));
  sub(
    'check',
    'What this version would change in data and configuration of another one; reads only, and the gateway may run. Exit code 1 where something needs a person',
  ).action(check);
  sub('undo', 'Put the data back as they were before the last upgrade, while no gateway runs; what came since is set aside').action(undo);
  return command;
}

async function check(where: Where): Promise<void> {
  const { loaded, problems } = read(where.config);
  const data = where.data ?? loaded?.config.data ?? dataNamedIn(where.config);
  const { upgradeReport } = await import('../gateway/upgrade-report.ts');
  const report = await upgradeReport({ data, loaded, problems, running: await runningOn(data) });
  process.stdout.write(
    where.json === true
      ? `${JSON.stringify(report)}\n`
      : renderUpgrade(report, (colour, text) => styleText(colour, text, { stream: process.stdout })),
  );
  if (!report.safe) process.exitCode = 1;
}

async function undo(where: Where): Promise<void> {
  const { undoUpgrade } = await import('../gateway/upgrade-undo.ts');
  const undone = undoUpgrade(directoryOf(where));
  const { restored, setAside } = undone;
  process.stdout.write(
    where.json === true
      ? `${JSON.stringify(undone)}\n`
      : `The data are as they were on ${new Date(restored.madeMs).toISOString().slice(0, 16).replace('T', ' ')} UTC (schema ${restored.schema}).
What came since lies in ${setAside}
Now start the version before: this one would upgrade them again.
`,
  );
}

function read(file: string): { readonly loaded?: LoadedConfig; readonly problems: readonly Problem[] } {
  try {
    return { loaded: loadConfig(file), problems: [] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { problems: error.problems };
  }
}

/** Of a configuration that has problems. */
function dataNamedIn(file: string): string {
  try {
    const { data = './data' } = (parse(readFileSync(file, 'utf8')) ?? {}) as { data?: unknown };
    if (typeof data === 'string' && !data.includes('${')) return resolve(dirname(file), data);
  } catch {
    // No YAML, or no file.
  }
  throw new FettleError('FETTLE_CONFIG_INVALID', `${file} does not say where the data are`, {
    hint: 'say it: --data DIRECTORY; fettle check lists the problems',
  });
}

/** What another version answers is taken as far as it goes. */
async function runningOn(data: string): Promise<RunningGateway | undefined> {
  try {
    const { version } = await askGateway<GatewayStatus>(data, 'GET', '/api/v1/status');
    const models = await askGateway<AssetModels[]>(data, 'GET', '/api/v1/models').catch(() => []);
    const inForce = models.flatMap(({ asset, inForce }) => (inForce === null ? [] : [[asset, inForce.bundle] as const]));
    return { version, inForce: Object.fromEntries(inForce) };
  } catch (error) {
    if (hasCode(error, 'FETTLE_API_UNREACHABLE')) return undefined;
    throw error;
  }
}
