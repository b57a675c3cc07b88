/** `node tools/make-sunspec.ts DIRECTORY`: SunSpec's model definitions (github.com/sunspec/models, json/, Apache-2.0) → the short form that ships, src/commissioning/sunspec-models.json. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelGroup, ModelPoint } from '../src/commissioning/sunspec-model.ts';

interface Given {
  readonly name: string;
  readonly label?: string;
  readonly count?: number | string;
  readonly points?: readonly {
    name: string;
    type: string;
    size: number;
    sf?: string | number;
    units?: string;
    static?: string;
    symbols?: { name: string; value: number }[];
  }[];
  readonly groups?: readonly Given[];
}

function short({ name, label, count, points = [], groups = [] }: Given): ModelGroup {
  return {
    name,
    ...(label !== undefined && { label }),
    ...(count !== undefined && { count }),
    points: points.map(
      ({ name: point, type, size, sf, units, static: fixed, symbols }): ModelPoint => ({
        name: point,
        type,
        size,
        ...(sf !== undefined && { sf }),
        ...(units !== undefined && { units }),
        ...(fixed === 'S' && { fixed: true }),
        ...(type.startsWith('enum') &&
          symbols !== undefined && { labels: Object.fromEntries(symbols.map(({ name: label_, value }) => [value, label_])) }),
      }),
    ),
    ...(groups.length > 0 && { groups: groups.map(short) }),
  };
}

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('say where the definitions are');
const models = readdirSync(directory)
  .filter((name) => /^model_\d+\.json$/.test(name))
  .map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as { id: number; group: Given })
  .sort((a, b) => a.id - b.id);
const lines = models.map(({ id, group }) => `  "${id}": ${JSON.stringify(short(group))}`);
writeFileSync(new URL('../src/commissioning/sunspec-models.json', import.meta.url), `{\n${lines.join(',\n')}\n}\n`);
process.stdout.write(`${models.length} models\n`);
