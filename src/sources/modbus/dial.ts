import type { Socket } from 'node:net';

/** A lost SYN is sent again after one second, so a connection may take longer than an answer. */
const connectTimeoutMs = 5000;

/**
 * Resolves when the socket, which `begin` sets to connecting, is connected (`event`); rejects with what `closed` gives or with why
 * it was destroyed. `closed` resolves when the socket has ended.
 */
export async function dial<T>(
  socket: Socket,
  begin: () => void,
  event: 'connect' | 'secureConnect',
  closed: Promise<T>,
  signal: AbortSignal,
): Promise<void> {
  const abort = () => socket.destroy(new Error('stopped'));
  const timer = setTimeout(() => socket.destroy(new Error(`no connection within ${connectTimeoutMs} ms`)), connectTimeoutMs);
  signal.addEventListener('abort', abort, { once: true });
  try {
    const connected = new Promise<true>((resolve) => socket.once(event, () => resolve(true)));
    if (signal.aborted) abort();
    else begin();
    const outcome = await Promise.race([connected, closed]);
    if (outcome !== true) throw outcome;
    socket.setNoDelay(true).setKeepAlive(true);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}
