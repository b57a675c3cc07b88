import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { FettleError } from '../core/errors.ts';

export const initCommand = (): Command =>
  new Command('init')
    .description('Write a commented fettle.yaml to start from')
    .argument('[file]', 'file to write', 'fettle.yaml')
    .action((file: string) => {
      if (existsSync(file)) {
        throw new FettleError('FETTLE_CONFIG_INVALID', `${file} exists already; nothing was written`, {
          hint: 'name another file: fettle init new.yaml',
        });
      }
      writeFileSync(file, readFileSync(new URL('starter.yaml', import.meta.url)));
      process.stdout.write(`Wrote ${file}. Put your devices in, then: fettle check ${file} && fettle run -c ${file}\n`);
    });
