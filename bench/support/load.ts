import { setTimeout as pause } from 'node:timers/promises';
import type { Publisher } from './publisher.ts';
import type { Subject, Usage } from './subject.ts';

/** Messages at a fixed rate for a time, in steps of about a millisecond. */
export async function atRate(
  publisher: Publisher,
  rate: number,
  seconds: number,
  onMessage?: (topic: number, row: number) => void,
): Promise<void> {
  const began = performance.now();
  let sent = 0;
  for (;;) {
    const elapsed = performance.now() - began;
    if (elapsed >= seconds * 1000) return;
    const due = Math.floor((elapsed / 1000) * rate) - sent;
    if (due > 0) {
      publisher.send(due, onMessage);
      sent += due;
    }
    await pause(1);
  }
}

/** Until the subject has taken in `messages`; false when it stops short of them. */
export async function caughtUp(subject: Subject, messages: number, withinMs = 5000): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (subject.messages < messages) {
    if (Date.now() > deadline) return false;
    await pause(5);
  }
  return true;
}

/** CPU of the subject for each message at a fixed rate, µs. */
export async function cpuPerMessage(subject: Subject, publisher: Publisher, rate: number, seconds: number): Promise<number> {
  const before = await subject.usage();
  await atRate(publisher, rate, seconds);
  await caughtUp(subject, before.messages + 1);
  await pause(200);
  const after = await subject.usage();
  return (after.cpuUs - before.cpuUs) / (after.messages - before.messages);
}

/** Messages under way between publisher and subject: what 100 ms hold at 40,000/s; more would only be a longer queue. */
const underWay = 4_000;

/**
 * The highest rate the subject sustains: the publisher keeps a bounded number of messages under way and goes as fast as they are taken in. Nothing may be lost, and by
 * Little's law the latency stays at `underWay` / rate, some tens of milliseconds.
 */
export async function sustained(
  subject: Subject,
  publisher: Publisher,
  seconds: number,
): Promise<{ rate: number; lost: number; worstLagMs: number }> {
  const first = await subject.usage();
  const offset = publisher.sent - first.messages;
  const began = performance.now();
  let counted: { messages: number; atMs: number } | undefined;
  let worstLagMs = 0;
  for (;;) {
    const elapsed = performance.now() - began;
    if (elapsed > seconds * 1000) break;
    // The first fifth warms up.
    if (counted === undefined && elapsed > seconds * 200) counted = { messages: (await subject.usage()).messages, atMs: performance.now() };
    const open = publisher.sent - offset - subject.messages;
    if (!publisher.congested && open < underWay) publisher.send(Math.min(400, underWay - open));
    else await pause(0);
    if (publisher.sent % 4000 < 400) await pause(0);
    if (counted !== undefined)
      worstLagMs = Math.max(worstLagMs, (open / Math.max(1, subject.messages - counted.messages)) * (performance.now() - counted.atMs));
  }
  const last: Usage = await subject.usage();
  const from = counted ?? { messages: first.messages, atMs: began };
  const rate = ((last.messages - from.messages) / (performance.now() - from.atMs)) * 1000;
  const complete = await caughtUp(subject, publisher.sent - offset);
  return { rate, lost: complete ? 0 : publisher.sent - offset - subject.messages, worstLagMs };
}
