import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { NodeAPI } from 'node-red';

/** Below the user directory, a folder of a node's own: by its id, which stays when the node is moved or set otherwise, and by what else makes it another one. */
export const ownFolder = (RED: NodeAPI, owner: string, prefix = ''): string =>
  join(RED.settings.userDir ?? '.', 'fettle', `${prefix}${createHash('sha256').update(owner).digest('hex').slice(0, 16)}`);
