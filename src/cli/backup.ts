import { resolve } from 'node:path';
import { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { formatBytes } from '../core/duration.ts';
import type { BackupFacts } from '../gateway/backup.ts';
import { readRuntimeFile } from '../server/runtime-file.ts';
import { askGateway } from './ask-gateway.ts';

/** A large journal on a slow disk takes a while. */
const waitMs = 3_600_000;

export const backupCommand = (): Command =>
  new Command('backup')
    .description('One file with journal, models and configuration; the gateway may run meanwhile')
    .argument('<file>', 'file to write; not there yet')
    .option('-c, --config <file>', 'configuration', 'fettle.yaml')
    .option('--json', 'one JSON document')
    .action(async (file: string, { config, json }: { config: string; json?: boolean }) => {
      const facts = await made(resolve(file), config);
      process.stdout.write(json === true ? `${JSON.stringify(facts)}\n` : describe(facts, file));
    });

async function made(file: string, config: string): Promise<BackupFacts> {
  const loaded = loadConfig(config);
  const { data } = loaded.config;
  if (readRuntimeFile(data) !== undefined) {
    try {
      return await askGateway<BackupFacts>(data, 'POST', '/api/v1/backup', { file }, waitMs);
    } catch (error) {
      // Its file is left behind by one that was killed.
      if ((error as { code?: string }).code !== 'FETTLE_API_UNREACHABLE') throw error;
    }
  }
  const [{ backupAtRest }, { version }] = await Promise.all([import('../gateway/backup-of.ts'), import('../gateway/gateway.ts')]);
  return backupAtRest(file, loaded, version);
}

export const restoreCommand = (): Command =>
  new Command('restore')
    .description('Unpack a backup on this machine; nothing that is there is overwritten')
    .argument('<file>', 'what fettle backup wrote')
    .option('--to <folder>', 'folder for the configuration', '.')
    .option('--json', 'one JSON document')
    .action(async (file: string, { to, json }: { to: string; json?: boolean }) => {
      const { unpackBackup } = await import('../gateway/backup.ts');
      const restored = unpackBackup(file, resolve(to));
      process.stdout.write(
        json === true
          ? `${JSON.stringify(restored)}\n`
          : `${describe(restored.facts, file)}→ ${restored.config}, data in ${restored.data}\nStart it with: fettle run --config ${restored.config}\n`,
      );
    });

function describe({ site, version, createdAt, bytes, files, left }: BackupFacts, file: string): string {
  const kept = `${file}: site ${site}, ${createdAt.slice(0, 16).replace('T', ' ')} UTC, Fettle ${version}, ${formatBytes(bytes)} with ${files} files of configuration and models\n`;
  return left.length === 0 ? kept : `${kept}Not in it, to be brought along by other means: ${left.join(', ')}\n`;
}
