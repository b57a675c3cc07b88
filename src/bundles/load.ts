import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type DetectorParameters, detectorSchema } from '../core/detector.ts';
import { errorText, FettleError } from '../core/errors.ts';
import { gatewayVersion, isNewer } from '../core/gateway-version.ts';
import { bundleFormat, goldenSchema, type LoadedBundle, type ModelManifest, manifestSchema } from '../core/manifest.ts';
import { inspectModel } from './inspect.ts';

const largestManifestBytes = 1_000_000;
const largestFileBytes = 256_000_000;

/**
 * Reads a bundle: manifest, then every file by length and hash, then the graph's structure. (Signatures follow where hashes end; golden vectors are run by
 * the scorer.) Throws FETTLE_MODEL_INVALID with file and reason; nothing native has seen the file by then.
 */
export async function loadBundle(directory: string): Promise<LoadedBundle> {
  const manifest = parse(await read(directory, 'manifest.json', largestManifestBytes), `${directory}/manifest.json`, (value) => {
    refuseNewer(value, directory);
    return manifestSchema.parse(value);
  });
  const files = new Map<string, Buffer>();
  for (const { path, length, sha256 } of manifest.files) {
    const content = await read(directory, path, Math.min(length, largestFileBytes));
    if (content.length !== length) throw invalid(`${directory}/${path} has ${content.length} bytes, the manifest says ${length}`);
    if (createHash('sha256').update(content).digest('hex') !== sha256)
      throw invalid(`${directory}/${path} is not the file the manifest was made for (sha256 differs)`);
    files.set(path, content);
  }
  const model = files.get('model.onnx');
  const goldenFile = files.get('golden.json');
  if (model === undefined || goldenFile === undefined) throw invalid(`${directory}/manifest.json does not list model.onnx and golden.json`);
  const golden = parse(goldenFile, `${directory}/golden.json`, (value) => goldenSchema.parse(value));
  const values = manifest.length * manifest.channels.length;
  if (golden.scores.length !== golden.windows.length || golden.windows.some((window) => window.length !== values)) {
    throw invalid(`${directory}/golden.json does not hold windows of ${values} values with a score each`);
  }
  const operators = inspectModel(model, manifest);
  const unlisted = operators.filter((operator) => !manifest.operators.includes(operator));
  if (unlisted.length > 0) throw invalid(`${directory}/model.onnx uses operators its manifest does not name: ${unlisted.join(', ')}`);
  const detectorFile = files.get('detector.json');
  if (detectorFile === undefined) return { directory, manifest, model, golden };
  const detector = parse(detectorFile, `${directory}/detector.json`, (value) => detectorSchema.parse(value));
  const problem = detectorProblem(detector, manifest);
  if (problem !== undefined) throw invalid(`${directory}/detector.json ${problem}`);
  return { directory, manifest, model, golden, detector };
}

async function read(directory: string, path: string, largest: number): Promise<Buffer> {
  const name = join(directory, path);
  try {
    // Not to wait for ever should the name be a pipe.
    await using file = await open(name, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stat = await file.stat();
    if (!stat.isFile()) throw invalid(`${name} is not a file`);
    const { size } = stat;
    if (size > largest) throw invalid(`${name} has ${size} bytes, at most ${largest} are read`);
    return await file.readFile();
  } catch (error) {
    if (error instanceof FettleError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    throw invalid(code === 'ENOENT' ? `there is no ${name}` : `${name} cannot be read (${code})`);
  }
}

function detectorProblem({ channels, calibration, slow }: DetectorParameters, manifest: ModelManifest): string | undefined {
  const count = manifest.channels.length;
  if (channels.length !== count) return `is for ${channels.length} channels, the manifest has ${count}`;
  if (calibration.length !== manifest.length) return `is for windows of ${calibration.length} rows, the manifest has ${manifest.length}`;
  const sizes = (slow?.scales ?? []).flatMap(({ reference, mean, variance, diffusion, slope, contrast }) => [
    ...[reference, mean, variance, diffusion, slope].map(({ length }) => length),
    contrast.length / count,
  ]);
  return sizes.every((size) => size === count) ? undefined : 'has a slow-change reference of another size';
}

function parse<T extends ModelManifest | LoadedBundle['golden'] | DetectorParameters>(
  content: Buffer,
  name: string,
  check: (value: unknown) => T,
): T {
  try {
    return check(JSON.parse(content.toString()));
  } catch (error) {
    if (error instanceof FettleError) throw error;
    throw invalid(`${name} cannot be read: ${errorText(error)}`);
  }
}

/** Said before anything else is looked at: what a newer version has added would only look like damage. */
function refuseNewer(value: unknown, directory: string): void {
  const { success, data } = madeForSchema.safeParse(value);
  if (!success || (data.format === bundleFormat && !isNewer(data.minimumGatewayVersion, gatewayVersion))) return;
  const { format, minimumGatewayVersion, training } = data;
  const writer = training?.gatewayVersion === undefined ? 'another Fettle' : `Fettle ${training.gatewayVersion}`;
  const wants =
    format === bundleFormat
      ? `needs ${minimumGatewayVersion} or newer; this is ${gatewayVersion}`
      : `has the format ${format}; ${gatewayVersion} reads ${bundleFormat}`;
  throw new FettleError('FETTLE_MODEL_INVALID', `${directory} was made by ${writer} and ${wants}`, {
    hint: 'run that version, or let the model be learnt here',
  });
}

const madeForSchema = z.object({
  format: z.string(),
  minimumGatewayVersion: z.string(),
  training: z.object({ gatewayVersion: z.string().optional() }).optional(),
});

const invalid = (message: string): FettleError =>
  new FettleError('FETTLE_MODEL_INVALID', message, { hint: 'the active model goes on; train or fetch the bundle again' });
