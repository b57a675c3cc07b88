import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * The path of a real peer (mosquitto, influxd …), or undefined where it is not installed, so that the test can skip.
 * Throws when FETTLE_REQUIRE_PEERS=1 and it is missing: in CI a skipped peer test is a failure.
 */
export function requirePeer(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here: the next folder.
    }
  }
  if (process.env.FETTLE_REQUIRE_PEERS === '1') throw new Error(`${name} is not installed, and FETTLE_REQUIRE_PEERS=1 wants it`);
  return undefined;
}
