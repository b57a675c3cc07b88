import { Worker } from 'node:worker_threads';
import { FettleError } from '../core/errors.ts';
import type { LoadedBundle, ModelManifest } from '../core/manifest.ts';
import type { ScoreBatch, Scorer } from '../core/score.ts';
import { siblingModule } from '../core/sibling-module.ts';
import type { WindowBatch } from '../core/window.ts';
import type { WorkerAnswer, WorkerSetup } from './scoring-thread.ts';

const firstCapacity = 64;

/**
 * A large model in a thread of its own, so that its run does not hold the event loop. Windows and results pass through shared memory, which grows by
 * doubling; one batch is under way at a time.
 */
export class WorkerScorer implements Scorer {
  readonly manifest: ModelManifest;
  readonly #bundle: LoadedBundle;
  #worker: Worker | undefined;
  #capacity = 0;
  #input: Float32Array = new Float32Array();
  #output: Float32Array = new Float32Array();

  constructor(bundle: LoadedBundle) {
    this.#bundle = bundle;
    this.manifest = bundle.manifest;
  }

  async score(batch: WindowBatch): Promise<ScoreBatch> {
    const { length, channels } = this.manifest;
    const width = length * channels.length;
    if (batch.count > this.#capacity || this.#worker === undefined) await this.#restart(batch.count);
    this.#input.set(batch.values.subarray(0, batch.count * width));
    const answer = await this.#ask(batch.count);
    if (answer.error !== undefined) throw new FettleError('FETTLE_SCORING_FAILED', answer.error);
    const column = (at: number, size: number): Float32Array => this.#output.slice(at, at + size);
    const perChannel = batch.count * channels.length;
    return {
      count: batch.count,
      value: column(0, batch.count),
      contributions: column(batch.count, perChannel),
      observed: column(batch.count + perChannel, perChannel),
      expected: column(batch.count + 2 * perChannel, perChannel),
    };
  }

  async dispose(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = undefined;
  }

  async #restart(count: number): Promise<void> {
    await this.dispose();
    let capacity = firstCapacity;
    while (capacity < count) capacity *= 2;
    const { length, channels } = this.manifest;
    const shared = (floats: number): Float32Array => new Float32Array(new SharedArrayBuffer(floats * 4));
    this.#capacity = capacity;
    this.#input = shared(capacity * length * channels.length);
    this.#output = shared(capacity * (1 + 3 * channels.length));
    const workerData: WorkerSetup = {
      model: this.#bundle.model,
      length,
      channels: channels.length,
      input: this.#input,
      output: this.#output,
    };
    this.#worker = new Worker(siblingModule(import.meta.url, 'scoring-thread'), { workerData, name: 'scoring' });
    const ready = await this.#answer();
    if (ready.error !== undefined) throw new FettleError('FETTLE_MODEL_INVALID', ready.error);
  }

  #ask(count: number): Promise<WorkerAnswer> {
    const answer = this.#answer();
    this.#worker?.postMessage(count);
    return answer;
  }

  #answer(): Promise<WorkerAnswer> {
    const worker = this.#worker as Worker;
    return new Promise((resolve) => {
      const settle = (answer: WorkerAnswer): void => {
        worker.off('message', settle);
        worker.off('exit', onExit);
        resolve(answer);
      };
      const onExit = (): void => {
        this.#worker = undefined;
        settle({ error: 'the scoring thread has died' });
      };
      worker.on('message', settle);
      worker.on('exit', onExit);
      worker.on('error', () => {});
    });
  }
}
