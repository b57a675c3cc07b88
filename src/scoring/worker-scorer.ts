import '../core/no-telemetry.ts';
import { Worker } from 'node:worker_threads';
import type { DetectorParameters } from '../core/detector.ts';
import { errorText, FettleError } from '../core/errors.ts';
import type { LoadedBundle, ModelManifest } from '../core/manifest.ts';
import type { ScoreBatch, Scorer } from '../core/score.ts';
import { siblingModule } from '../core/sibling-module.ts';
import type { WindowBatch } from '../core/window.ts';
import type { WorkerAnswer, WorkerRequest, WorkerSetup } from './scoring-thread.ts';

const firstCapacity = 64;

/**
 * A large model in a thread of its own, so that its run does not hold the event loop. Windows and results pass through shared memory, which grows by
 * doubling; one batch is under way at a time. A thread that died is started again by the next batch.
 */
export class WorkerScorer implements Scorer {
  readonly manifest: ModelManifest;
  readonly detector?: DetectorParameters;
  readonly #bundle: LoadedBundle;
  #worker: Worker | undefined;
  #waiting: ((answer: WorkerAnswer) => void) | undefined;
  #disposed = false;
  /** Networks of a tracking model, which gives its parts too. */
  readonly #members: number;
  #capacity = 0;
  #input = new Float32Array();
  #output = new Float32Array();

  constructor(bundle: LoadedBundle) {
    this.#bundle = bundle;
    this.manifest = bundle.manifest;
    if (bundle.detector !== undefined) this.detector = bundle.detector;
    this.#members = bundle.detector?.calibration.members ?? 0;
  }

  async score({ count, values }: WindowBatch): Promise<ScoreBatch> {
    if (this.#disposed) throw new FettleError('FETTLE_SCORING_FAILED', 'the scorer was disposed of');
    if (this.#waiting !== undefined) throw new FettleError('FETTLE_SCORING_FAILED', 'score was called while a batch was under way');
    if (this.#worker === undefined) await this.#start();
    const channels = this.manifest.channels.length;
    const width = this.manifest.length * channels;
    const grown = this.#reserve(count);
    this.#input.set(values.subarray(0, count * width));
    const answer = await this.#ask({ count, ...(grown && { input: this.#input, output: this.#output }) });
    if (answer.error !== undefined) throw new FettleError('FETTLE_SCORING_FAILED', answer.error);
    const output = this.#output;
    const column = (index: number): Float32Array => output.subarray(count * (1 + index * channels), count * (1 + (index + 1) * channels));
    const parts = output.subarray(count * (1 + 3 * channels), count * (1 + (3 + this.#members) * channels));
    return {
      count,
      value: output.subarray(0, count),
      contributions: column(0),
      observed: column(1),
      expected: column(2),
      ...(this.#members > 0 && { parts }),
    };
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#end();
  }

  /** Asked, and waited for: a thread that is ended inside a run of ONNX Runtime may take the process along. */
  async #end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    if (worker === undefined) return;
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    this.#settle({ error: 'the scorer was disposed of' });
    worker.postMessage('end');
    await ended;
  }

  async #start(): Promise<void> {
    const { model, manifest } = this.#bundle;
    const workerData: WorkerSetup = { model, length: manifest.length, channels: manifest.channels.length };
    const worker = new Worker(siblingModule(import.meta.url, 'scoring-thread'), { workerData, name: 'scoring' });
    this.#worker = worker;
    this.#capacity = 0;
    let reason = 'the scoring thread ended';
    worker.on('message', (answer: WorkerAnswer) => {
      // Of one that was told to end nobody waits for anything any more.
      if (this.#worker === worker) this.#settle(answer);
    });
    worker.on('error', (error) => {
      reason = `the scoring thread failed: ${errorText(error)}`;
    });
    worker.on('exit', () => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#settle({ error: reason });
    });
    const ready = await this.#answer();
    if (ready.error === undefined) return;
    await this.#end();
    throw new FettleError('FETTLE_SCORING_FAILED', ready.error);
  }

  /** True when the shared arrays are new and the thread must be told. */
  #reserve(count: number): boolean {
    if (count <= this.#capacity) return false;
    this.#capacity = Math.max(this.#capacity, firstCapacity);
    while (this.#capacity < count) this.#capacity *= 2;
    const { length, channels } = this.manifest;
    this.#input = sharedFloats(this.#capacity * length * channels.length);
    this.#output = sharedFloats(this.#capacity * (1 + (3 + this.#members) * channels.length));
    return true;
  }

  #ask(request: WorkerRequest): Promise<WorkerAnswer> {
    const answer = this.#answer();
    this.#worker?.postMessage(request);
    return answer;
  }

  #answer(): Promise<WorkerAnswer> {
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  #settle(answer: WorkerAnswer): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(answer);
  }
}

// The arrays of a ScoreBatch are typed over ordinary memory; nothing they are used for tells the difference.
const sharedFloats = (count: number): Float32Array<ArrayBuffer> =>
  new Float32Array(new SharedArrayBuffer(count * 4)) as unknown as Float32Array<ArrayBuffer>;
