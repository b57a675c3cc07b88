import { styleText } from 'node:util';
import { Command, Option } from 'commander';
import { stringify } from 'yaml';
import { type RegisterList, readRegisterList } from '../commissioning/register-list.ts';
import { formatDuration } from '../core/duration.ts';
import type { TagNow } from '../gateway/tag-list.ts';
import { aligned } from './aligned.ts';
import { askGateway, directoryOf, type Where } from './ask-gateway.ts';
import type { Paint } from './status-view.ts';

const colours = { good: 'green', uncertain: 'yellow', bad: 'red', waiting: 'dim' } as const;

export function tagsCommand(): Command {
  const command = new Command('tags')
    .description('Every tag as it is now: value, quality, age')
    .argument('[filter]', 'only tags with this in their name')
    .option('-c, --config <file>', 'configuration', 'fettle.yaml')
    .option('--data <directory>', 'data directory, instead of that of the configuration')
    .option('--json', 'one JSON document')
    .action(async (filter: string | undefined, where: Where) => {
      const all = await askGateway<TagNow[]>(directoryOf(where), 'GET', '/api/v1/tags');
      const tags = all.filter(({ tag }) => filter === undefined || tag.includes(filter));
      process.stdout.write(where.json === true ? `${JSON.stringify(tags)}\n` : renderTags(tags, paint));
    });
  command
    .command('import <file>')
    .description("A vendor's register list (CSV with a header) as tags for fettle.yaml; what is wrong with a line is told with its number")
    .option('--prefix <name>', 'before the names', 'site/device')
    .addOption(
      new Option('--table <table>', 'of rows that name none').choices(['holdingRegister', 'inputRegister']).default('holdingRegister'),
    )
    .addOption(new Option('--base <number>', 'what the list calls the first address: many count from 1').choices(['0', '1']).default('0'))
    .option('--url <url>', 'of the device, for the source that is written', 'tcp://10.0.0.21:502')
    .option('--unit <id>', 'unit id', Number, 1)
    .option('--json', 'one JSON document')
    .action(async (file: string, options: ImportArguments, sub: Command) => {
      const { prefix, table, base, url, unit } = options;
      const list = readRegisterList(file, { prefix, table, base: base === '1' ? 1 : 0 });
      // `--json` of the command above is meant too.
      if (sub.optsWithGlobals().json === true) process.stdout.write(`${JSON.stringify(list)}\n`);
      else {
        process.stdout.write(
          stringify({ sources: [{ id: prefix.split('/').at(-1), type: 'modbus', url, unit, tags: list.tags }] }, { lineWidth: 200 }),
        );
        process.stderr.write(describeImport(file, list));
      }
      if (list.problems.length > 0) process.exitCode = 1;
    });
  return command;
}

interface ImportArguments {
  readonly prefix: string;
  readonly table: 'holdingRegister' | 'inputRegister';
  readonly base: '0' | '1';
  readonly url: string;
  readonly unit: number;
}

function describeImport(file: string, { tags, columns, problems, writeOnly }: RegisterList): string {
  const taken = Object.entries(columns).map(([name, field]) => (name.toLowerCase() === field ? field : `${name} as ${field}`));
  return `${[
    `${file}: ${tags.length} tags; columns: ${taken.join(', ')}`,
    ...(writeOnly === 0 ? [] : [`${writeOnly} rows for writing left out: Fettle only reads`]),
    ...problems.map(({ line, message }) => `${file}:${line}: ${message}`),
  ].join('\n')}\n`;
}

const paint: Paint = (colour, text) => styleText(colour, text, { stream: process.stdout });

/** A line a tag, columns below each other. Ends with a line break. */
export function renderTags(tags: readonly TagNow[], paint: Paint): string {
  if (tags.length === 0) return 'no such tag\n';
  const rows = [
    ['tag', 'value', '', 'quality', 'age', 'samples', 'source'],
    ...tags.map(({ tag, value, engineeringUnit, quality, ageMs, samples, source }) => [
      tag,
      value === null ? '–' : typeof value === 'number' ? number(value) : JSON.stringify(value),
      engineeringUnit ?? '',
      quality === 'waiting' ? 'nothing yet' : quality,
      ageMs === null ? '–' : formatDuration(Math.max(0, ageMs)),
      samples.toLocaleString('en'),
      source ?? 'no source brings it',
    ]),
  ];
  return `${aligned(rows, new Set([1, 4, 5]))
    .map((text, i) => (i === 0 ? paint('bold', text) : paint(colours[tags[i - 1]?.severity ?? 'good'], text)))
    .join('\n')}\n`;
}

/** As many digits as a person reads off. */
const number = (value: number): string => (Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6))));
