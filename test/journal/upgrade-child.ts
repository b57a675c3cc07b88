/** Upgrades a data directory as a new version does, or takes that back, in a process of its own, to be killed. argv: the directory; upgrade or undo. Says what it met, as JSON. */
import { FettleError } from '../../src/core/errors.ts';
import { JournalStore } from '../../src/journal/store.ts';
import { undoUpgrade } from '../../src/journal/upgrade-undo.ts';

try {
  const [, , directory = '', what] = process.argv;
  if (what === 'undo') undoUpgrade(directory, Date.now());
  else new JournalStore({ directory, maxBytes: 1e12, maxAgeMs: 1e15, version: '0.2.0' }).close();
  process.stdout.write('{}\n');
} catch (error) {
  if (!(error instanceof FettleError)) throw error;
  process.stdout.write(`${JSON.stringify({ code: error.code, message: error.message, hint: error.hint })}\n`);
}
