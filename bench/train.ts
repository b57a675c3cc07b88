import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gaussian, seededRandom } from '../src/core/seeded-random.ts';
import { denseFamily } from '../src/learning/training/dense-family.ts';
import type { LearningRows } from '../src/learning/training/network.ts';
import { trainNetwork } from '../src/learning/training/train-network.ts';
import { startPyTorch } from './support/pytorch.ts';
import { atLeast, type BenchRow, median, missing } from './support/row.ts';

const networks = [
  { name: 'train-128', width: 128, hidden: [64, 16, 64], epochs: 24 },
  { name: 'train-512', width: 512, hidden: [256, 64, 16, 64, 256], epochs: 6 },
];
const rows = 4096;
const batch = 128;
const learningRate = 1e-3;
const rounds = 7;
const target = 2;
const unit = 'steps/s';

/**
 * Steps of Adam a second, as `trainNetwork` takes them (shuffling included), beside PyTorch in the same run: same network, rows and batch. PyTorch has one or two
 * threads, whichever is faster while warming up. Medians of seven rounds, the two in turn.
 */
export async function benchTrain(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'fettle-bench-train-'));
  try {
    const found: BenchRow[] = [];
    for (const network of networks) found.push(await measure(network, folder));
    return found;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measure({ name, width, hidden, epochs }: (typeof networks)[number], folder: string): Promise<BenchRow> {
  const learning = machine(width);
  const file = join(folder, `${name}.f32`);
  writeFileSync(file, learning.values);
  await using torch = await startPyTorch({ file, rows, batch, learningRate, widths: [width, ...hidden, width] });
  if (torch === undefined) return missing(name, unit, target);
  const { network, initial } = denseFamily({ hidden, bias: true }).build(learning, 1);
  const steps = epochs * Math.floor(rows / batch);
  const ours = async (): Promise<number> => {
    let began = 0;
    let ended = 0;
    // The first epoch is not counted: the session is made and warmed up in it.
    const onProgress = ({ epoch }: { epoch: number }): void => {
      ended = performance.now();
      if (epoch === 1) began = ended;
    };
    await trainNetwork(network, { ...learning, width }, initial, { seed: 1, epochs: epochs + 1, learningRate, batch, onProgress });
    return (steps * 1000) / (ended - began);
  };
  // Two threads, unless one is faster: where other processes want the cores, PyTorch's threads wait for each other.
  let best = { threads: 2, rate: 0 };
  for (const threads of [2, 1, 2, 1]) {
    const rate = await torch.rate(Math.ceil(steps / 4), threads);
    if (rate > best.rate) best = { threads, rate };
  }
  await ours();
  const values: number[] = [];
  const limits: number[] = [];
  for (let round = 0; round < rounds; round++) {
    values.push(await ours());
    limits.push(await torch.rate(steps, best.threads));
  }
  return atLeast(name, median(values), unit, median(limits), target);
}

/** A machine of few degrees of freedom, bent by tanh, and noise. */
function machine(width: number): LearningRows {
  const normal = gaussian(seededRandom(3));
  const freedoms = 8;
  const mixing = Float32Array.from({ length: freedoms * width }, normal);
  const values = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const state = Float32Array.from({ length: freedoms }, normal);
    for (let j = 0; j < width; j++) {
      const mixed = state.reduce((sum, value, k) => sum + value * (mixing[k * width + j] as number), 0);
      values[row * width + j] = Math.tanh(mixed / 2) + 0.1 * normal();
    }
  }
  return { channels: 1, length: width, rows, values };
}

if (import.meta.main) console.info(await benchTrain());
