import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FaultyDisk } from '../support/faulty-disk/faulty-disk.ts';
import { oldData } from '../support/old-data.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

export type Environment = Readonly<Record<`FAULTS_${string}`, string>>;

/** An upgrade, or taking it back, on a disk that fails as the environment says; undefined when it was killed. */
export async function upgrade(
  disk: FaultyDisk,
  data: string,
  more: Environment,
  what: 'upgrade' | 'undo' = 'upgrade',
): Promise<{ code?: string; message?: string; hint?: string } | undefined> {
  const child = join(import.meta.dirname, 'upgrade-child.ts');
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [child, data, what], {
      env: { ...process.env, ...disk.environment(0, more) },
    });
    return JSON.parse(stdout) as object;
  } catch (error) {
    if ((error as { signal?: string }).signal === 'SIGKILL') return undefined;
    throw error;
  }
}

export function scene(): { readonly disk: FaultyDisk; readonly data: string; readonly scratch: string } {
  const scratch = temporaryDirectory();
  const data = oldData(join(scratch, 'data'));
  return { disk: new FaultyDisk(data, scratch), data, scratch };
}
