/** A timer this late tells of a process that stood still; what came meanwhile waits behind the timer. */
const stallMs = 8;
/** What has come is read within this. */
const graceMs = 25;

/**
 * Calls `passed` after `ms`, but not before what has arrived by then was looked at: timers come before sockets in the event loop,
 * so after a stall of the process every answer would be called late. Returns what ends it.
 */
export function startDeadline(ms: number, passed: () => void): () => void {
  let dueMs = performance.now() + ms;
  let immediate: NodeJS.Immediate | undefined;
  const fire = () => {
    const nowMs = performance.now();
    if (nowMs - dueMs < stallMs) {
      immediate = setImmediate(passed);
      return;
    }
    dueMs = nowMs + graceMs;
    timer = setTimeout(fire, graceMs);
  };
  let timer = setTimeout(fire, Math.ceil(ms));
  return () => {
    clearTimeout(timer);
    clearImmediate(immediate);
  };
}
