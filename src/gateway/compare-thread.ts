/** The thread models are compared in, beside live scoring and behind it. */
import { asThread } from '../learning/as-thread.ts';

await asThread(async () => (await import('./compare-models.ts')).compareModels);
