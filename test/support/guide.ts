import { execFile } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../house/sources.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** A guide of docs/guides, with what it shows in fenced blocks. */
export class Guide {
  readonly text: string;

  constructor(name: string) {
    this.text = readFileSync(join(root, 'docs/guides', `${name}.md`), 'utf8');
  }

  /** Fenced blocks of a language. */
  blocks(language: string): string[] {
    return [...this.text.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(([, text]) => text as string);
  }

  /** Lines of the shell blocks, without their comments. */
  commands(): string[] {
    return this.blocks('sh').flatMap((block) =>
      block
        .split('\n')
        .map((line) => line.replace(/\s+#\s.*$/, '').trim())
        .filter((line) => line !== ''),
    );
  }

  /** What stands between backquotes in running text and begins so. */
  inline(start: string): string[] {
    return [...this.text.replaceAll(/```.*?```/gs, '').matchAll(/`([^`]+)`/g)]
      .map(([, text]) => text as string)
      .filter((text) => text.startsWith(start));
  }
}

export interface Shell {
  readonly directory: string;
  /** Throws what the command says where it fails. */
  run(line: string): Promise<{ stdout: string; stderr: string }>;
}

/** A shell in a directory of its own, in which `fettle` and `npx fettle` are this checkout. */
export function shellWithFettle(programs: Readonly<Record<string, string>> = {}): Shell {
  const directory = temporaryDirectory();
  const bin = temporaryDirectory();
  const fettle = `exec '${process.execPath}' '${join(root, 'bin/fettle.js')}'`;
  const all = { fettle: `${fettle} "$@"`, npx: `test "$1" = fettle || exit 1\nshift\n${fettle} "$@"`, ...programs };
  for (const [name, text] of Object.entries(all)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const { FORCE_COLOR: _, ...environment } = process.env;
  const env = { ...environment, PATH: `${bin}:${process.env.PATH}` };
  return { directory, run: (line) => promisify(execFile)('/bin/sh', ['-c', line], { cwd: directory, env, timeout: 120_000 }) };
}
