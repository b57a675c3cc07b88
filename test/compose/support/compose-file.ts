import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parse } from 'yaml';
import { root } from '../../house/sources.ts';

export interface Service {
  readonly image: string;
  readonly build?: { readonly context: string; readonly target?: string };
  readonly user?: string;
  readonly group_add?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly ports?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[]; readonly retries?: number };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly restart?: string;
  readonly init?: boolean;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

/** The compose file as docker-compose itself reads it: held against the schema of the specification, variables and relative paths resolved. Throws what it says. */
export function readComposeFile(...overrides: readonly string[]): ComposeFile {
  const files = [join(root, 'docker-compose.yml'), ...overrides].flatMap((file) => ['-f', file]);
  const text = execFileSync('docker-compose', [...files, 'config'], { encoding: 'utf8', cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  // It writes a dollar sign as it wants to read it.
  return parse(text, (_, value) => (typeof value === 'string' ? value.replaceAll('$$', '$') : value)) as ComposeFile;
}
