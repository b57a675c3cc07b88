/** Writes the generated part of the docs: npm run docs. A test compares it with what is checked in. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { generatedDocs } from './reference.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
mkdirSync(`${root}/docs/reference`, { recursive: true });
for (const [path, text] of generatedDocs()) writeFileSync(`${root}/${path}`, text);
