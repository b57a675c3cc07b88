import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface SourceFile {
  /** From the repository's root: `src/core/alarm.ts`. */
  readonly path: string;
  readonly text: string;
  readonly lines: number;
  /** Files of ours it imports, from the root; `type` where only types come along. */
  readonly imports: readonly { readonly path: string; readonly type: boolean }[];
}

const importPattern = /^(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'(\.[^']+)';/gm;
const dynamicPattern = /import\('(\.[^']+)'\)/g;

/** All TypeScript files below a folder of the repository, without what a tool generated. */
export function sourceFiles(folder: string): SourceFile[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('_pb.ts'))
    .map((name) => {
      const path = join(folder, name);
      const text = readFileSync(join(root, path), 'utf8');
      const target = (specifier: string): string => relative(root, resolve(root, dirname(path), specifier));
      const imports = [
        ...[...text.matchAll(importPattern)].map(([, type, specifier]) => ({
          path: target(specifier as string),
          type: type !== undefined,
        })),
        ...[...text.matchAll(dynamicPattern)].map(([, specifier]) => ({ path: target(specifier as string), type: false })),
      ];
      return { path, text, lines: text.split('\n').length, imports };
    });
}
