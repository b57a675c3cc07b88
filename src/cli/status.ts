import { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { formatDuration } from '../core/duration.ts';
import { errorText, FettleError } from '../core/errors.ts';
import type { GatewayStatus } from '../gateway/status.ts';
import { readRuntimeFile } from '../server/runtime-file.ts';

export const statusCommand = (): Command =>
  new Command('status')
    .description('Ask a running gateway how it fares')
    .option('-c, --config <file>', 'configuration', 'fettle.yaml')
    .option('--data <directory>', 'data directory, instead of that of the configuration')
    .option('--json', 'one JSON document')
    .action(async ({ config, data, json }: { config: string; data?: string; json?: boolean }) => {
      const status = await fetchStatus(data ?? loadConfig(config).config.data);
      process.stdout.write(json === true ? `${JSON.stringify(status)}\n` : render(status));
      if (status.state !== 'good') process.exitCode = 1;
    });

async function fetchStatus(directory: string): Promise<GatewayStatus> {
  const runtime = readRuntimeFile(directory);
  if (runtime === undefined) {
    throw new FettleError('FETTLE_API_UNREACHABLE', `no gateway runs on ${directory}`, { hint: 'start one with fettle run' });
  }
  try {
    const response = await fetch(`${runtime.url}/api/v1/status`, {
      headers: { authorization: `Bearer ${runtime.token}` },
      signal: AbortSignal.timeout(5_000),
    });
    return (await response.json()) as GatewayStatus;
  } catch (error) {
    throw new FettleError(
      'FETTLE_API_UNREACHABLE',
      `the gateway at ${runtime.url} (process ${runtime.pid}) does not answer: ${errorText(error)}`,
      {
        cause: error,
        hint: 'it may have been killed; fettle run starts it again',
      },
    );
  }
}

function render(status: GatewayStatus): string {
  const lines = [`fettle ${status.version}  site ${status.site}  up ${formatDuration(status.uptimeMs)}  ${status.state}`, ''];
  lines.push('Assets');
  for (const { asset, state, watchingText, alarms } of status.assets) {
    lines.push(`  ${asset.padEnd(24)} ${state.padEnd(8)} ${watchingText}`);
    for (const alarm of alarms) lines.push(`    ${alarm.state}: ${alarm.message}${alarm.advice === null ? '' : `  → ${alarm.advice}`}`);
  }
  lines.push('', 'Sources');
  for (const [id, source] of Object.entries(status.sources)) {
    for (const unit of source.units) {
      lines.push(`  ${id.padEnd(16)} ${unit.name.padEnd(28)} ${unit.state}${unit.lastError === undefined ? '' : `  ${unit.lastError}`}`);
      if (unit.hint !== undefined) lines.push(`    → ${unit.hint}`);
    }
  }
  lines.push('', 'Delivery');
  for (const [id, { sink, delivery }] of Object.entries(status.sinks)) {
    const waiting = Object.values(delivery.lanes).reduce((sum, { points }) => sum + points, 0);
    lines.push(
      `  ${id.padEnd(16)} ${sink.state.padEnd(12)} ${waiting} waiting, ${delivery.counters.delivered} delivered${sink.lastError === undefined ? '' : `  ${sink.lastError}`}`,
    );
  }
  const { samples, badSamples, late, windows, scores, invalidWindows, raised, cleared } = status.counters;
  const reasons = Object.entries(invalidWindows).filter(([, n]) => n > 0);
  lines.push(
    '',
    `Samples ${samples} (${badSamples} bad, ${late} late)  windows ${windows}  scores ${scores}  raised ${raised}  cleared ${cleared}`,
    ...(reasons.length === 0 ? [] : [`Invalid windows: ${reasons.map(([reason, n]) => `${n} ${reason}`).join(', ')}`]),
    `Journal: ${status.journal.commits} commits, last ${status.journal.commitMs.toFixed(1)} ms${status.journal.diskFull ? '  DISK FULL' : ''}`,
  );
  return `${lines.join('\n')}\n`;
}
