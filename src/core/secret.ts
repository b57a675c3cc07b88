import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';

/** A password or token that cannot reach a log, an error text or a JSON document by accident. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}

const reference = /\$\{(env|file):([^}]+)\}/g;

export const isReference = (text: string): boolean => new RegExp(`^${reference.source}$`).test(text);

/** Replaces every `${env:NAME}` and `${file:path}` in `text`. Throws an Error in plain words when one cannot be had. */
export function resolveReferences(text: string, environment: NodeJS.ProcessEnv = process.env): string {
  return text.replace(reference, (_, kind: string, name: string) => {
    if (kind === 'env') {
      const value = environment[name];
      if (value === undefined) throw new Error(`the environment variable ${name} is not set`);
      return value;
    }
    try {
      return readFileSync(name, 'utf8').replace(/\r?\n$/, '');
    } catch (error) {
      throw new Error(`the file ${name} cannot be read (${(error as NodeJS.ErrnoException).code})`);
    }
  });
}
