import { errorText } from '../../core/errors.ts';
import { createSession, floatTensor } from '../runtime.ts';
import { type Split, thinned } from '../split.ts';
import { type ForeignModel, refused } from './foreign-model.ts';
import { bareGraph, type OutputKind } from './wrapped-graph.ts';

export interface BareLook {
  readonly kind: OutputKind;
  readonly standardized: boolean;
}

const windowsLookedAt = 64;
/** How far a window's result may move with the company it is in, beside its own size. */
const companyTolerance = 1e-3;

/**
 * Runs the model on healthy windows to see what it gives: a reconstruction or a score, and on which units it works. Throws FETTLE_MODEL_INVALID where it gives neither, gives what is
 * no number, or lets the windows of a batch meet.
 */
export async function bareLook(model: ForeignModel, split: Split, standardized: boolean | undefined): Promise<BareLook> {
  const { file, length, channels } = model;
  const width = length * channels;
  const offsets = thinned(split.learning, windowsLookedAt);
  const raw = Float32Array.from(offsets.flatMap((offset) => [...split.rows.subarray(offset, offset + width)]));
  const scaled = Float32Array.from(
    offsets.flatMap((offset) =>
      Array.from(
        split.rows.subarray(offset, offset + width),
        (value, at) => (value - (split.mean[at % channels] as number)) / (split.deviation[at % channels] as number),
      ),
    ),
  );
  try {
    const session = await createSession(bareGraph(model));
    try {
      const run = async (values: Float32Array): Promise<{ dims: readonly number[]; data: Float32Array }> => {
        const windows = values.length / width;
        const given = (await session.run({ window: await floatTensor(values, [windows, length, channels]) })).given;
        if (!(given?.data instanceof Float32Array))
          throw refused(file, 'gives something else than float32', 'export it with a float32 output');
        return { dims: given.dims, data: given.data };
      };
      const outcome = await run(raw);
      const kind = kindOf(outcome.dims, offsets.length, model);
      const inUnits = standardized ?? (kind === 'score' ? false : undefined);
      const chosen = inUnits ?? errorOf((await run(scaled)).data, scaled) < errorOf(outcome.data, raw, split);
      const windows = chosen ? scaled : raw;
      const together = (await run(windows)).data;
      if (!together.every(Number.isFinite))
        throw refused(
          file,
          'gives values that are no numbers for healthy windows',
          `was it trained on other units? It was given ${chosen ? 'standardized values' : 'engineering units'}; try --input ${chosen ? 'raw' : 'standardized'}`,
        );
      const alone = (await run(windows.slice(0, width))).data;
      if (alone.some((value, i) => Math.abs(value - (together[i] as number)) > companyTolerance * (1 + Math.abs(value))))
        throw refused(
          file,
          'gives a window another result alone than in a batch',
          'windows of a batch must not meet: export it in evaluation mode (model.eval())',
        );
      return { kind, standardized: chosen };
    } finally {
      await session.release();
    }
  } catch (error) {
    throw error instanceof Error && 'code' in error && error.code === 'FETTLE_MODEL_INVALID'
      ? error
      : refused(
          file,
          `is refused by ONNX Runtime: ${errorText(error)}`,
          'does it run in ONNX Runtime elsewhere, with any batch, opset 21?',
        );
  }
}

function kindOf(dims: readonly number[], windows: number, { file, length, channels }: ForeignModel): OutputKind {
  const [batch, ...others] = dims;
  if (batch === windows && others.join() === [length, channels].join()) return 'reconstruction';
  if (batch === windows && (others.length === 0 || others.join() === '1')) return 'score';
  throw refused(
    file,
    `gives [${dims.join(', ')}] for ${windows} windows`,
    `what is taken: a reconstruction [batch, ${length}, ${channels}], or a score [batch] or [batch, 1]`,
  );
}

/** Mean squared error, in deviations of the channels. */
function errorOf(given: Float32Array, wanted: Float32Array, split?: Split): number {
  const unit = (at: number): number => (split === undefined ? 1 : (split.deviation[at % split.channels] as number));
  const error = given.reduce((sum, value, at) => sum + ((value - (wanted[at] as number)) / unit(at)) ** 2, 0) / given.length;
  return Number.isFinite(error) ? error : Number.POSITIVE_INFINITY;
}
