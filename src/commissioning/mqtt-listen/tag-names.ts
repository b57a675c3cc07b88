import { fillTemplate } from '../../sources/mqtt/topic-template.ts';
import type { FieldFinding } from './findings.ts';
import { isContainerOf } from './level-names.ts';
import type { TopicGroup } from './topic-groups.ts';

/** Levels that say nothing of what is measured. */
const generic =
  /^(?:telemetry|data|values?|state|status|sensors?|measurements?|json|raw|live|updates?|messages?|msg|tele|stat|events?|attributes|out|pub|up|uplink)$/i;
const genericValue = /^(?:v|val|value|wert|messwert|reading|data)$/i;

/** What a tag name must not have. */
export const tagLevel = (text: string): string => text.replaceAll(/[+#$\p{Cc}\s{}/]+/gu, '-').replaceAll(/^-+|-+$/g, '');

/** Tag patterns for the fields of a group. `isFull`: with every level of the topic. */
export function tagPatterns(group: TopicGroup, fields: readonly FieldFinding[], isFull: boolean): string[] {
  const isBare = fields.every(({ path }) => path === '$');
  const prefix = prefixOf(group, isFull, isBare);
  const [only] = fields;
  const dropsName = fields.length === 1 && prefix.length > 0 && genericValue.test(only?.name ?? '');
  const used = new Set<string>();
  return fields.map(({ name, path }) => {
    const levels = dropsName ? [] : name.split('/').map((level) => tagLevel(level.replace(unitInBrackets, '')));
    // "flow/value", where it has nothing else.
    const above = name.slice(0, name.lastIndexOf('/') + 1);
    if (levels.length > 1 && genericValue.test(levels.at(-1) ?? '') && fields.filter((field) => field.name.startsWith(above)).length === 1)
      levels.pop();
    const wish = [...prefix, ...levels].filter((level) => level !== '').join('/') || tagLevel(path) || 'value';
    let pattern = wish;
    for (let n = 2; used.has(pattern); n++) pattern = `${wish}-${n}`;
    used.add(pattern);
    return pattern;
  });
}

const unitInBrackets = /\s*[[(]([^\])]{1,12})[\])]\s*$/;
/** "Temperature [°C]" */
export const unitOfName = (name: string): string | undefined => unitInBrackets.exec(name)?.[1]?.trim();

function prefixOf({ levels }: TopicGroup, isFull: boolean, isBare: boolean): string[] {
  const parts = levels.map(({ name, values }, i) => {
    if (name !== undefined) return `{${name}}`;
    const literal = tagLevel(values[0] as string);
    if (isFull || literal === '') return literal;
    const next = levels[i + 1]?.name;
    if (next !== undefined && isContainerOf(literal, next)) return '';
    // The last level of a bare value says what it is.
    if (generic.test(literal) && !(isBare && i === levels.length - 1)) return '';
    return literal;
  });
  const given = parts.filter((part) => part !== '');
  // The first level is the plant, which `site` names; what is left has to say enough.
  const saysEnough = given.length > 2 || given.slice(1).some((part) => part.startsWith('{'));
  return isFull || !saysEnough || parts[0] === '' || levels[0]?.name !== undefined ? given : given.slice(1);
}

/** The tags a pattern gives for the topics of a group; names of lines stay as they are. */
export function tagsOf(pattern: string, { levels, topics }: TopicGroup): string[] {
  return topics.map(({ topic }) => {
    const texts = topic.split('/');
    const named = Object.fromEntries(levels.flatMap(({ name }, i) => (name === undefined ? [] : [[name, texts[i] as string]])));
    const rest = Object.fromEntries([...pattern.matchAll(/\{(\w+)\}/g)].map(([whole, name]) => [name as string, whole]));
    return fillTemplate(pattern, { ...rest, ...named });
  });
}
