import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('./pytorch-training.py', import.meta.url));
/** Debian's packages belong to its own interpreter, which need not be the first in PATH. */
const interpreters = ['/usr/bin/python3', 'python3'];

export interface TorchOptions {
  /** float32, `[rows, widths[0]]`. */
  readonly file: string;
  readonly rows: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly widths: readonly number[];
}

/** An autoencoder in PyTorch, in a process of its own. */
export interface TorchTraining extends AsyncDisposable {
  /** Steps a second over so many steps with so many threads. */
  rate(steps: number, threads: number): Promise<number>;
}

/** Undefined where PyTorch is not installed, or has only the reference BLAS, beside which anything is fast (Debian: libopenblas0-openmp). */
export async function startPyTorch({ file, rows, batch, learningRate, widths }: TorchOptions): Promise<TorchTraining | undefined> {
  const interpreter = interpreters.find(hasTorch);
  if (interpreter === undefined) return undefined;
  const child = spawn(interpreter, [script, file, String(rows), String(batch), String(learningRate), ...widths.map(String)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<string> => {
    const { value, done } = await answers.next();
    if (done === true) throw new Error('the PyTorch process ended');
    return value;
  };
  const dispose = async (): Promise<void> => {
    child.stdin.end();
    await exited;
  };
  const greeting = await answer();
  if (!/^\d/.test(greeting)) {
    process.stderr.write(`PyTorch: ${greeting}\n`);
    await dispose();
    return undefined;
  }
  return {
    async rate(steps, threads) {
      child.stdin.write(`${steps} ${threads}\n`);
      return steps / Number(await answer());
    },
    [Symbol.asyncDispose]: dispose,
  };
}

function hasTorch(interpreter: string): boolean {
  try {
    execFileSync(interpreter, ['-c', 'import torch'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
