import '../core/no-telemetry.ts';
import { type Transferable, Worker } from 'node:worker_threads';
import { type ErrorCode, FettleError } from '../core/errors.ts';

type Outcome<Result> = { readonly result: Result } | { readonly error: { readonly code: string; readonly message: string } };
/** What a thread sends: how far it is, any number of times, and then how it went. */
type ThreadAnswer<Result, Progress> = { readonly progress: Progress } | Outcome<Result>;

export interface BackgroundWork<Progress> {
  /** Module of the thread; it calls `asThread`. */
  readonly module: URL;
  readonly name: string;
  readonly task: object;
  readonly transfer?: readonly Transferable[];
  readonly report?: ((progress: Progress) => void) | undefined;
  readonly signal: AbortSignal;
}

/**
 * Does a task in a thread of low priority. Rejects with what the thread threw, as FettleError of the same code; and with the signal's reason as soon as the thread has come to an end: it is asked to stop, never
 * torn down, since ONNX Runtime in the middle of a run would take the process with it.
 */
export async function inBackground<Result, Progress = never>(work: BackgroundWork<Progress>): Promise<Result> {
  const { module, name, task, transfer = [], report, signal } = work;
  signal.throwIfAborted();
  const worker = new Worker(module, { workerData: task, name, transferList: [...transfer] });
  const stop = (): void => worker.postMessage('stop');
  signal.addEventListener('abort', stop, { once: true });
  const ended = Promise.withResolvers<Outcome<Result> | undefined>();
  let last: Outcome<Result> | undefined;
  worker.on('message', (answer: ThreadAnswer<Result, Progress>) => {
    if ('progress' in answer) report?.(answer.progress);
    else last = answer;
  });
  worker.once('error', ended.reject);
  worker.once('exit', () => ended.resolve(last));
  try {
    const answer = await ended.promise;
    signal.throwIfAborted();
    if (answer === undefined) throw new FettleError('FETTLE_TRAINING_FAILED', `the ${name} thread ended without a word`);
    if ('error' in answer) throw new FettleError(answer.error.code as ErrorCode, answer.error.message);
    return answer.result;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
