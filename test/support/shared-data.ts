import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** A folder of public recordings (`FETTLE_SHARED_DATA`, or `shared/data` beside the checkout), or undefined where it is not there: the test skips. */
export function sharedData(folder: string): string | undefined {
  const root = process.env.FETTLE_SHARED_DATA ?? join(import.meta.dirname, '../../../shared/data');
  const path = join(root, folder);
  return existsSync(path) ? path : undefined;
}
