/** Before `npm start`: the nodes for the editor beside the demo are built where they are missing or older than their sources. Takes less than a second, once. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildNodes } from './build-nodes.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const newest = (folder: string): number =>
  Math.max(
    ...readdirSync(join(root, folder), { recursive: true, withFileTypes: true }).map(
      (entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs,
    ),
  );
const built = join(root, 'nodes/dist');
const sources = ['nodes/src', 'nodes/locales', 'nodes/icons', 'flows', 'src/client', 'src/flow', 'src/core'].map(newest);
if (!existsSync(built) || statSync(built).mtimeMs < Math.max(...sources)) await buildNodes(built);
