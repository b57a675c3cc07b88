const prefix = 'FETTLE_CONFIG_';
const sections = ['journal', 'limits', 'alerts', 'server', 'log'];

const plain = (name: string): string => name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');

/**
 * `FETTLE_CONFIG_JOURNAL_COMMIT=50ms` overrides `journal.commit`; elements of a list are named by their id, as in
 * `FETTLE_CONFIG_SOURCES_PRESS_PLC_URL`. Returns a changed copy and the variables that fit nothing.
 */
export function applyEnvironment(document: unknown, environment: NodeJS.ProcessEnv): { document: unknown; unknown: string[] } {
  const copy: unknown = structuredClone(document);
  const unknown: string[] = [];
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith(prefix) || value === undefined) continue;
    if (!assign(copy, variable.slice(prefix.length).toUpperCase(), value, true)) unknown.push(variable);
  }
  return { document: copy, unknown };
}

function assign(node: unknown, rest: string, value: string, top = false): boolean {
  if (Array.isArray(node)) {
    return node.some((element) => {
      const id = typeof element === 'object' && element !== null && 'id' in element ? plain(String(element.id)) : undefined;
      return id !== undefined && rest.startsWith(`${id}_`) && assign(element, rest.slice(id.length + 1), value);
    });
  }
  if (typeof node !== 'object' || node === null) return false;
  const object = node as Record<string, unknown>;
  if (top) for (const section of sections) if (rest.startsWith(`${plain(section)}_`)) object[section] ??= {};
  for (const key of Object.keys(object)) {
    const name = plain(key);
    if (rest.startsWith(`${name}_`) && typeof object[key] === 'object' && assign(object[key], rest.slice(name.length + 1), value))
      return true;
    if (rest === name && typeof object[key] !== 'object') {
      object[key] = typed(value);
      return true;
    }
  }
  // A key that the file leaves at its default: camelCase from the variable's words is enough for every scalar key there is.
  if (top && !sections.some((section) => rest.startsWith(plain(section)))) {
    if (rest !== 'SITE' && rest !== 'DATA') return false;
  }
  const key = camelKeys.get(rest);
  if (key === undefined) return false;
  object[key] = typed(value);
  return true;
}

/** Scalar keys of the sections that may be absent from the file. */
const camelKeys = new Map(
  [
    'site',
    'data',
    'maxBytes',
    'maxAge',
    'commit',
    'onDiskFull',
    'tags',
    'texts',
    'memory',
    'url',
    'username',
    'password',
    'listen',
    'level',
    'timeout',
    'poll',
  ].map((key) => [plain(key), key]),
);

const typed = (value: string): unknown =>
  /^(true|false)$/.test(value) ? value === 'true' : /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
