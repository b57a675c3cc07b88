import { styleText } from 'node:util';
import { Command } from 'commander';
import { formatDuration } from '../core/duration.ts';
import type { TagNow } from '../gateway/tag-list.ts';
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
  return command;
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
  const widths = (rows[0] as string[]).map((_, column) => Math.max(...rows.map((row) => (row[column] as string).length)));
  const right = new Set([1, 4, 5]);
  return `${rows
    .map((row, i) => {
      const text = row
        .map((cell, column) => (right.has(column) ? cell.padStart(widths[column] as number) : cell.padEnd(widths[column] as number)))
        .join('  ')
        .trimEnd();
      return i === 0 ? paint('bold', text) : paint(colours[tags[i - 1]?.severity ?? 'good'], text);
    })
    .join('\n')}\n`;
}

/** As many digits as a person reads off. */
const number = (value: number): string => (Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6))));
