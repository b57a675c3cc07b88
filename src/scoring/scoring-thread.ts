/** The thread of a large model: `count` comes in, results lie in shared memory, an answer goes out. */
import { parentPort, workerData } from 'node:worker_threads';
import { errorText } from '../core/errors.ts';
import { ModelSession } from './model-session.ts';

export interface WorkerSetup {
  readonly model: Uint8Array;
  readonly length: number;
  readonly channels: number;
  /** Shared: `[capacity, length, channels]`. */
  readonly input: Float32Array;
  /** Shared: score, contributions, observed, expected of a batch, one after the other. */
  readonly output: Float32Array;
}

export interface WorkerAnswer {
  readonly error?: string;
}

const port = parentPort;
if (port === null) throw new Error('scoring-thread is started by worker-scorer.ts');
const { model, length, channels, input, output } = workerData as WorkerSetup;
const answer = (value: WorkerAnswer): void => port.postMessage(value);
// ONNX Runtime takes no tensor over shared memory.
const own = new Float32Array(input.length);

try {
  const session = await ModelSession.create(model, { length, channels });
  port.on('message', (count: number) => {
    own.set(input.subarray(0, count * length * channels));
    session.run(own, count).then(
      ({ value, contributions, observed, expected }) => {
        let at = 0;
        for (const column of [value, contributions, observed, expected]) {
          output.set(column, at);
          at += column.length;
        }
        answer({});
      },
      (error: unknown) => answer({ error: errorText(error) }),
    );
  });
  answer({});
} catch (error) {
  answer({ error: errorText(error) });
}
