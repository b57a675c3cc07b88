/** `plant/{area}/{machine}/telemetry`: a topic whose levels may be named. `+` and `#` work as in MQTT. */
export interface TopicTemplate {
  /** What to subscribe to. */
  readonly filter: string;
  /** The named levels of a topic that fits; undefined when it does not. */
  match(topic: string): Record<string, string> | undefined;
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

export function topicTemplateProblem(text: string): string | undefined {
  if (text === '' || text.includes('\u0000')) return 'must be a topic';
  const names = [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  if (new Set(names).size < names.length) return 'names a level twice';
  const levels = text.split('/');
  for (const [i, level] of levels.entries()) {
    const bare = level.replaceAll(/\{\w+\}/g, '');
    if (/[{}]/.test(bare)) return `"${level}" has a brace that belongs to no {name}`;
    if (bare.includes('#') && (level !== '#' || i < levels.length - 1)) return '# stands alone, as the last level';
    if (bare.includes('+') && level !== '+') return '+ stands alone in its level';
  }
  return undefined;
}

export function compileTopicTemplate(text: string): TopicTemplate {
  const levels = text.split('/');
  const filter = levels.map((level) => (level.includes('{') ? '+' : level)).join('/');
  const pattern = levels
    .map((level, i) => {
      if (level === '+') return '[^/]*';
      if (level === '#') return i === 0 ? '.*' : '(?:.*)';
      return level
        .split(/(\{\w+\})/)
        .map((part) => (/^\{\w+\}$/.test(part) ? `(?<${part.slice(1, -1)}>[^/]+)` : escaped(part)))
        .join('');
    })
    .join('/')
    // `plant/#` takes `plant` itself too (MQTT 5, 4.7.1.2).
    .replace(/\/\(\?:\.\*\)$/, '(?:/.*)?');
  const expression = new RegExp(`^${pattern}$`, 'u');
  return {
    filter,
    match(topic) {
      // Wildcards at the front do not take $SYS and the like (MQTT 5, 4.7.2).
      if (topic.startsWith('$') && !text.startsWith('$')) return undefined;
      const found = expression.exec(topic);
      return found === null ? undefined : { ...found.groups };
    },
  };
}

/** `{area}/{machine}/flow` with the levels of a topic. */
export const fillTemplate = (pattern: string, levels: Record<string, string>): string =>
  pattern.replaceAll(/\{(\w+)\}/g, (_, name: string) => levels[name] ?? '');

/** Whether `pattern`, filled with any levels, can give `name`. */
export const mayGive = (pattern: string, name: string): boolean =>
  new RegExp(
    `^${pattern
      .split(/(\{\w+\})/)
      .map((part) => (/^\{\w+\}$/.test(part) ? '[^/]+' : escaped(part)))
      .join('')}$`,
    'u',
  ).test(name);
