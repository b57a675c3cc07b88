/** Whether a name is one of those wanted; `*` stands for anything, and an empty list wants all. */
export function matcherOf(wanted: readonly string[]): (name: string) => boolean {
  if (wanted.length === 0) return () => true;
  const patterns = wanted.map((one) => new RegExp(`^${one.split('*').map(escaped).join('.*')}$`));
  return (name) => patterns.some((pattern) => pattern.test(name));
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
