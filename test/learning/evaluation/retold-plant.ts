import { gaussian, seededRandom } from '../../../src/core/seeded-random.ts';
import type { Sheet } from '../../../tools/public-recordings/retold.ts';

export const plantChannels = 8;
/** Rows before the first that is judged; and how many are judged. */
export const plantLearningRows = 1_600;
const judgedRows = 3_600;
/** Rows of a fault, and from the beginning of one to that of the next. */
const faultRows = 240;
const faultEvery = 600;
const faultDeviations = 2.5;
/** How much of a movement is left a row later, and how much of a value is its sensor's own. */
const inertia = [0.98, 0.9, 0.6];
const ownNoise = 0.3;

/**
 * A plant of three movements that eight channels follow in their own ways, each with noise of its own, and a slow wander; a step in one channel or another every ten minutes after the learning
 * rows. A row a second.
 */
export function plantSheet(seed: number): Sheet {
  const follow = gaussian(seededRandom(4711));
  const ways = Array.from({ length: plantChannels }, () => inertia.map(() => follow()));
  const deviations = ways.map((way) => Math.hypot(ownNoise, ...way));
  const normal = gaussian(seededRandom(seed));
  const movements = inertia.map(() => 0);
  const rows = plantLearningRows + judgedRows;
  const values: number[][] = [];
  const label: number[] = [];
  for (let row = 0; row < rows; row++) {
    inertia.forEach((kept, k) => {
      movements[k] = kept * (movements[k] as number) + Math.sqrt(1 - kept ** 2) * normal();
    });
    const since = row - plantLearningRows;
    const fault = Math.floor(since / faultEvery);
    const faulty = since >= 0 && since % faultEvery >= faultEvery - faultRows;
    const wander = 0.3 * Math.sin((2 * Math.PI * row) / 7_200);
    label.push(Number(faulty));
    values.push(
      ways.map((way, c) => {
        const healthy = way.reduce((sum, share, k) => sum + share * (movements[k] as number), 0) + ownNoise * normal();
        const wandered = c % 4 === 0 ? wander : 0;
        const step = faulty && (3 * fault) % plantChannels === c ? faultDeviations : 0;
        return 50 + 10 * c + (1 + c) * (healthy + (deviations[c] as number) * (wandered + step));
      }),
    );
  }
  return {
    channels: ways.map((_, c) => `line/tag ${c}`),
    time: Array.from({ length: rows }, (_, row) => 1_790_000_000 + row),
    values,
    label,
  };
}
