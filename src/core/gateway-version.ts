import { readFileSync } from 'node:fs';

/** Version of this package: stands in what it makes. */
export const gatewayVersion: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

/** Whether version `a` came after `b`, by its three numbers: 0.10.0 after 0.9.3. What is no version came after nothing. */
export function isNewer(a: string, b: string): boolean {
  const [left, right] = [a, b].map((version) => version.split('-', 1)[0]?.split('.').map(Number) ?? []) as [number[], number[]];
  for (let i = 0; i < 3; i++) {
    const difference = (left[i] || 0) - (right[i] || 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}
