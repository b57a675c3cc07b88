/** From the right: the last level that varies is most often the machine. */
const usual = ['machine', 'area', 'site', 'company'];
const singular = (word: string): string | undefined =>
  /ies$/i.test(word) ? word.replace(/ies$/i, 'y') : /[^s]s$/i.test(word) ? word.slice(0, -1) : undefined;

/**
 * Names for the levels that vary, undefined for the others: what stands before (`machines/m7` → machine), what the values
 * have in common (line1, line2 → line), or what plants usually have there.
 * `isValueOnly`: the payload is a bare value, so that a last level that varies says which.
 */
export function nameLevels(
  levels: readonly (readonly string[])[],
  isValueOnly: boolean,
  reserved: ReadonlySet<string>,
): (string | undefined)[] {
  const taken = new Set(reserved);
  const unique = (wish: string): string => {
    let name = wish;
    for (let n = 2; taken.has(name); n++) name = `${wish}${n}`;
    taken.add(name);
    return name;
  };
  const varying = levels.map((values) => values.length > 1);
  const names = levels.map((values, i) => (varying[i] === true ? ownName(values, levels[i - 1]) : undefined));
  let next = 0;
  for (let i = levels.length - 1; i >= 0; i--) {
    if (varying[i] !== true) continue;
    const isQuantity = isValueOnly && i === levels.length - 1 && names[i] === undefined;
    names[i] = unique(names[i] ?? (isQuantity ? 'quantity' : (usual[next++] ?? `level${i + 1}`)));
  }
  return names;
}

function ownName(values: readonly string[], before: readonly string[] | undefined): string | undefined {
  const container = before?.length === 1 ? singular(before[0] as string) : undefined;
  if (container !== undefined && /^[a-z]\w+$/i.test(container)) return container.toLowerCase();
  const stems = new Set(values.map((value) => /^([a-z]{2,})[-_]?\d+$/i.exec(value)?.[1]?.toLowerCase()));
  const [stem] = stems;
  return stems.size === 1 ? stem : undefined;
}

/** Whether a level only says that what follows is one of many: `machines` before {machine}. */
export const isContainerOf = (level: string, name: string): boolean => singular(level)?.toLowerCase() === name.replace(/\d+$/, '');
