import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorText } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { SourceMemory } from '../core/source.ts';

/** A small JSON file of a source below the data directory. Losing it costs a source nothing but finding out again. */
export class FileSourceMemory implements SourceMemory {
  readonly #path: string;
  readonly #log: Logger;

  constructor(data: string, sourceId: string, log: Logger) {
    this.#path = join(data, 'sources', `${encodeURIComponent(sourceId)}.json`);
    this.#log = log;
  }

  load(): unknown {
    try {
      return JSON.parse(readFileSync(this.#path, 'utf8'));
    } catch {
      // Not there yet, or damaged: found out anew.
      return undefined;
    }
  }

  save(value: unknown): void {
    try {
      mkdirSync(dirname(this.#path), { recursive: true });
      writeFileSync(`${this.#path}.new`, `${JSON.stringify(value, null, 2)}\n`);
      renameSync(`${this.#path}.new`, this.#path);
    } catch (error) {
      this.#log.warn({ path: this.#path }, `what a source learnt could not be kept: ${errorText(error)}`);
    }
  }
}
