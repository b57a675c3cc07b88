/** The thread of a large model: a batch comes in through shared memory, results go out the same way, and an answer tells that they are there. */
import { parentPort, workerData } from 'node:worker_threads';
import { errorText } from '../core/errors.ts';
import { ModelSession } from './model-session.ts';

export interface WorkerSetup {
  readonly model: Uint8Array;
  readonly length: number;
  readonly channels: number;
}

export interface WorkerRequest {
  readonly count: number;
  /** Shared, present when it is new: `[capacity, length, channels]`. */
  readonly input?: Float32Array;
  /** Shared, present when it is new: score, contributions, observed, expected and parts of a batch, one after the other. */
  readonly output?: Float32Array;
}

export interface WorkerAnswer {
  readonly error?: string;
}

const port = parentPort;
if (port === null) throw new Error('scoring-thread is started by worker-scorer.ts');
const { model, length, channels } = workerData as WorkerSetup;
const answer = (value: WorkerAnswer): void => port.postMessage(value);
let input = new Float32Array();
let output = new Float32Array();
// ONNX Runtime takes no tensor over shared memory: windows are copied once, here, off the event loop.
let own = new Float32Array();

async function score(request: WorkerRequest, session: ModelSession): Promise<void> {
  const { count } = request;
  if (request.output !== undefined) output = request.output as typeof output;
  if (request.input !== undefined) {
    input = request.input as typeof input;
    own = new Float32Array(input.length);
  }
  own.set(input.subarray(0, count * length * channels));
  const { value, contributions, observed, expected, parts = new Float32Array() } = await session.run(own, count);
  let at = 0;
  for (const column of [value, contributions, observed, expected, parts]) {
    output.set(column, at);
    at += column.length;
  }
}

try {
  const session = await ModelSession.create(model, { length, channels });
  port.on('message', (request: WorkerRequest | 'end') => {
    if (request === 'end') return port.close();
    score(request, session).then(
      () => answer({}),
      (error: unknown) => answer({ error: errorText(error) }),
    );
  });
  answer({});
} catch (error) {
  answer({ error: errorText(error) });
  port.once('message', () => port.close());
}
