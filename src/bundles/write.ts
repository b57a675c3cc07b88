import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { DetectorParameters } from '../core/detector.ts';
import { FettleError } from '../core/errors.ts';
import { type Golden, type ModelManifest, manifestSchema } from '../core/manifest.ts';
import { inspectModel } from './inspect.ts';

export interface BundleContent {
  /** Without `files` and `operators`: they follow from the content. */
  readonly manifest: Omit<ModelManifest, 'files' | 'operators'>;
  readonly model: Uint8Array;
  readonly golden: Golden;
  /** Of a tracking model. */
  readonly detector?: DetectorParameters;
  /** CARD.md: what a person should know of the model. */
  readonly card: string;
}

/** A version means one content: throws FETTLE_MODEL_INVALID where there is one already. To ask before the work. */
export async function refuseExisting(directory: string): Promise<void> {
  const found = await stat(directory).catch(() => undefined);
  if (found !== undefined) throw exists(directory);
}

const exists = (directory: string): FettleError =>
  new FettleError('FETTLE_MODEL_INVALID', `${directory} exists already`, { hint: 'give the new model another version' });

/**
 * Writes a bundle beside its place, synced, and moves it there: a reader sees all of it or nothing. An existing bundle of that name is refused. Returns
 * the finished manifest. Throws FETTLE_MODEL_INVALID.
 */
export async function writeBundle(directory: string, content: BundleContent): Promise<ModelManifest> {
  const files = new Map<string, Uint8Array>([
    ['model.onnx', content.model],
    ['golden.json', Buffer.from(`${JSON.stringify(content.golden)}\n`)],
    ['CARD.md', Buffer.from(content.card)],
  ]);
  if (content.detector !== undefined) files.set('detector.json', Buffer.from(`${JSON.stringify(content.detector)}\n`));
  const unfinished: ModelManifest = { ...content.manifest, operators: [], files: [] };
  const manifest = manifestSchema.parse({
    ...unfinished,
    operators: inspectModel(content.model, unfinished),
    files: [...files].map(([path, bytes]) => ({ path, length: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') })),
  });
  files.set('manifest.json', Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`));
  const parent = dirname(directory);
  const temporary = join(parent, `.${basename(directory)}.${randomUUID()}`);
  await mkdir(temporary, { recursive: true });
  try {
    for (const [path, bytes] of files) {
      await using file = await open(join(temporary, path), 'wx');
      await file.writeFile(bytes);
      await file.sync();
    }
    await rename(temporary, directory);
    await using folder = await open(parent);
    await folder.sync();
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOTEMPTY' || code === 'EEXIST') throw exists(directory);
    throw error;
  }
  return manifest;
}
