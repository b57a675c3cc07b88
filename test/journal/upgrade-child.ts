/** Opens a data directory as a new version does, in a process of its own, to be killed. argv: the directory. Says what it met, as JSON. */
import { FettleError } from '../../src/core/errors.ts';
import { JournalStore } from '../../src/journal/store.ts';

try {
  new JournalStore({ directory: process.argv[2] ?? '', maxBytes: 1e12, maxAgeMs: 1e15, version: '0.2.0' }).close();
  process.stdout.write('{}\n');
} catch (error) {
  if (!(error instanceof FettleError)) throw error;
  process.stdout.write(`${JSON.stringify({ code: error.code, message: error.message, hint: error.hint })}\n`);
}
