import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';

/** Last among all that want the processor. */
const niceness = 19;

/**
 * The body of a thread that `inBackground` started. It stands behind everything else before it loads what it needs: `load` imports the module that does the work. On Linux the priority is that of the thread alone, elsewhere nothing is done.
 * The thread ends when the work has.
 */
export async function asThread<Task, Progress>(
  load: () => Promise<(task: Task, report: (progress: Progress) => void, signal: AbortSignal) => Promise<unknown>>,
): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error('this module is the body of a thread: it is started by inBackground');
  try {
    if (process.platform === 'linux') setPriority(0, niceness);
  } catch {
    // Not allowed here: it works at the priority it has.
  }
  const stopped = new AbortController();
  port.once('message', () => stopped.abort());
  try {
    const work = await load();
    const result = await work(workerData as Task, (progress) => port.postMessage({ progress }), stopped.signal);
    port.postMessage({ result });
  } catch (error) {
    const { errorText, FettleError } = await import('../core/errors.ts');
    const code = error instanceof FettleError ? error.code : 'FETTLE_TRAINING_FAILED';
    port.postMessage({ error: { code, message: errorText(error) } });
  } finally {
    port.close();
  }
}
