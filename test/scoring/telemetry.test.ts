import { execFile } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '../..');
const model = join(root, 'models/pump/1.0.0');
// The client stays quiet where it sees a build machine: here it is to show itself.
const { ORT_DISABLE_TELEMETRY: _, CI: __, ...environment } = process.env;

/** Whether a process that runs this code leaves the log that ONNX Runtime's telemetry client opens. */
async function leavesLog(code: string): Promise<boolean> {
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', `${code}; console.log(process.pid); process.exit(0);`], {
    cwd: root,
    env: environment,
  });
  const log = join(tmpdir(), `mat-debug-${stdout.trim()}.log`);
  const found = existsSync(log);
  rmSync(log, { force: true });
  return found;
}

const bare = `
  import { readFileSync } from 'node:fs';
  import ort from 'onnxruntime-node';
  await ort.InferenceSession.create(readFileSync('${model}/model.onnx'))`;
const scoring = (place: string): string => `
  import { loadBundle } from './src/bundles/index.ts';
  import { createScorer } from './src/scoring/index.ts';
  const scorer = await createScorer(await loadBundle('${model}'), { place: '${place}' });
  const { manifest } = scorer;
  const values = new Float32Array(manifest.length * manifest.channels.length);
  await scorer.score({ length: manifest.length, channels: manifest.channels.length, count: 1, values, asset: new Uint32Array(1), endMs: new Float64Array(1) })`;

it('is off, inline and in a thread, where the runtime has any', async (context) => {
  // The proof that the log would be seen.
  if (!(await leavesLog(bare))) context.skip();
  expect(await leavesLog(scoring('inline'))).toBe(false);
  expect(await leavesLog(scoring('worker'))).toBe(false);
}, 20_000);
