/** The thread a gateway learns in, beside live scoring and behind it. */
import { asThread } from './as-thread.ts';

await asThread(async () => (await import('./learn-task.ts')).learn);
