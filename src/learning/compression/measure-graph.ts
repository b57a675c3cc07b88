import { createSession, floatTensor } from '../runtime.ts';

/** µs a window on this machine, one thread: alone, and in a batch of 256. */
export interface WindowCost {
  readonly alone: number;
  readonly batch: number;
}

export const largeBatch = 256;
const rounds = 3;
const roundMs = 20;

/** The least disturbed of three rounds, for a graph with the input `window` `[batch, length, channels]`. `values`: at least 256 windows, or as many as there are, again and again. */
export async function measureGraph(model: Uint8Array, values: Float32Array, length: number, channels: number): Promise<WindowCost> {
  const session = await createSession(model);
  const size = length * channels;
  try {
    const timed = async (windows: number): Promise<number> => {
      const batch = Float32Array.from({ length: windows * size }, (_, at) => values[at % values.length] as number);
      const feed = { window: await floatTensor(batch, [windows, length, channels]) };
      await session.run(feed);
      const found: number[] = [];
      for (let round = 0; round < rounds; round++) {
        const began = performance.now();
        let runs = 0;
        for (; performance.now() - began < roundMs; runs++) await session.run(feed);
        found.push(((performance.now() - began) * 1000) / (runs * windows));
      }
      return Math.min(...found);
    };
    return { alone: await timed(1), batch: await timed(largeBatch) };
  } finally {
    await session.release();
  }
}
