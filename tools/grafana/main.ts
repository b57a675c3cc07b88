/** Writes the Grafana dashboards: npm run grafana. A test compares them with what is checked in. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generatedDashboards, textOf } from './files.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
for (const [path, dashboard] of generatedDashboards()) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), textOf(dashboard));
}
