import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../house/sources.ts';
import type { NodeRedProcess } from './node-red-process.ts';

export interface ShippedNode {
  readonly id: string;
  readonly type: string;
  readonly [key: string]: unknown;
}

/** A shipped flow by the beginning of its name, as in `4-`. */
export function shippedFlow(start: string): ShippedNode[] {
  const folder = join(root, 'flows');
  const file = readdirSync(folder).find((name) => name.startsWith(start));
  return JSON.parse(readFileSync(join(folder, file ?? `${start}.json`), 'utf8')) as ShippedNode[];
}

/** Presses the button of an inject node. */
export async function pressed(red: NodeRedProcess, id: string): Promise<void> {
  const answer = await fetch(`${red.url}/inject/${id}`, { method: 'POST' });
  if (!answer.ok) throw new Error(`inject ${id}: ${answer.status}`);
}
