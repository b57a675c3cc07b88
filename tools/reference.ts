import { z } from 'zod';
import { configSchema } from '../src/config/schema.ts';
import { commandSchema } from '../src/gateway/commands.ts';
import { messageJsonSchemas } from '../src/sinks/mqtt/schemas.ts';

interface JsonSchema {
  readonly type?: string | string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly required?: readonly string[];
}

const title = (schema: JsonSchema): object => ({ title: 'fettle.yaml', ...schema });

/** Generated files by path from the repository's root. */
export function generatedDocs(): Map<string, string> {
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  const files = new Map<string, string>();
  files.set('docs/reference/fettle.schema.json', `${JSON.stringify(title(schema), null, 2)}\n`);
  files.set('docs/reference/configuration.md', configurationReference(schema));
  for (const [kind, message] of Object.entries(messageJsonSchemas()))
    files.set(`docs/reference/mqtt-${kind}.schema.json`, `${JSON.stringify(message, null, 2)}\n`);
  const command = {
    $id: 'urn:fettle:mqtt:command:1',
    title: 'fettle command',
    ...z.toJSONSchema(commandSchema, { io: 'input', unrepresentable: 'any' }),
  };
  files.set('docs/reference/mqtt-command.schema.json', `${JSON.stringify(command, null, 2)}\n`);
  return files;
}

function configurationReference(schema: JsonSchema): string {
  const lines = [
    '# Configuration reference',
    '',
    '<!-- Made from the schemas by `npm run docs`; do not edit. -->',
    '',
    'One file, `fettle.yaml`. Durations are written `250ms`, `10s`, `5m`, `2h`, `30d`; sizes `500MB`, `2GB`. Any text may refer to `${env:NAME}` or `${file:path}`;',
    'passwords and tokens must. `FETTLE_CONFIG_JOURNAL_COMMIT=50ms` overrides `journal.commit`, `FETTLE_CONFIG_SOURCES_PRESS_PLC_URL` the url of the source',
    '`press-plc`. `fettle check FILE` reports every problem at once. [JSON Schema](fettle.schema.json) for editors:',
    '`# yaml-language-server: $schema=…/fettle.schema.json` in the first line.',
    '',
    '| key | type | default | meaning |',
    '|---|---|---|---|',
    ...rows(schema, ''),
  ];
  return `${lines.join('\n')}\n`;
}

function rows(schema: JsonSchema, prefix: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, property]) => {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    const required = schema.required?.includes(key) === true ? ' (required)' : '';
    const shown =
      property.default === undefined ||
      (typeof property.default === 'object' && property.default !== null && Object.keys(property.default).length === 0)
        ? ''
        : `\`${JSON.stringify(property.default).replace(/^"(.*)"$/, '$1')}\``;
    const own = `| \`${path}\` | ${typeText(property)}${required} | ${shown} | ${(property.description ?? '').replaceAll('|', '\\|')} |`;
    return [own, ...nested(property, path)];
  });
}

function nested(property: JsonSchema, path: string): string[] {
  if (property.properties !== undefined) return rows(property, path);
  const branches = property.oneOf ?? property.anyOf;
  if (branches !== undefined)
    return branches.flatMap((branch) => (branch.properties === undefined ? [] : rows(branch, branchPath(branch, path))));
  if (property.items !== undefined) return nested(property.items, `${path}[]`);
  if (typeof property.additionalProperties === 'object') return nested(property.additionalProperties, `${path}.<name>`);
  return [];
}

/** Branches of a list of types carry their type in the path: `sources[modbus].url`. */
function branchPath(branch: JsonSchema, path: string): string {
  const type = branch.properties?.type?.const;
  return typeof type === 'string' ? path.replace(/\[\]$/, `[${type}]`) : path;
}

function typeText(schema: JsonSchema): string {
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  const branches = schema.oneOf ?? schema.anyOf;
  if (branches !== undefined) return [...new Set(branches.map(typeText))].join(' or ');
  if (schema.type === 'array') return `list of ${schema.items === undefined ? 'anything' : typeText(schema.items)}`;
  return Array.isArray(schema.type) ? schema.type.join(' or ') : (schema.type ?? 'anything');
}
