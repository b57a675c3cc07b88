import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, constants, existsSync, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../eventually.ts';
import { temporaryFolder } from '../peer-process.ts';
import { requirePeer } from '../peers.ts';

export interface PtyPair {
  /** What a gateway opens, and what a device listens on. */
  readonly near: string;
  readonly far: string;
  close(): Promise<void>;
}

/** Two ends of a serial line, by socat; undefined where it is not installed. Either end may be closed and opened again. */
export async function startPtyPair(): Promise<PtyPair | undefined> {
  const socat = requirePeer('socat');
  if (socat === undefined) return undefined;
  const folder = await temporaryFolder('pty');
  const [near, far] = [join(folder, 'near'), join(folder, 'far')];
  const child: ChildProcess = spawn(socat, [`pty,raw,echo=0,link=${near}`, `pty,raw,echo=0,link=${far}`], { stdio: 'ignore' });
  await eventually(() => existsSync(near) && existsSync(far));
  // socat ends when nobody has an end open; an adapter stays plugged in.
  const kept = openSync(near, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  return {
    near,
    far,
    close: async () => {
      closeSync(kept);
      child.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
