/** A process of its own: units on one serial line at the far end of a pty, each byte when it would be there at this baud rate. */
import { listenOnPty, RtuListener, type RtuRequest, rtuReply } from '../../test/support/modbus/rtu-device.ts';

export interface Arrival {
  /** When the request had begun to be sent, ms of one clock. */
  readonly atMs: number;
  readonly unit: number;
  readonly replyBytes: number;
}

export interface LineReport {
  readonly arrivals: readonly Arrival[];
  /** Requests that began before the line had been silent for 3.5 characters. */
  readonly hurried: number;
}

const [path, character, gap] = process.argv.slice(2);
const characterMs = Number(character);
const gapMs = Number(gap);
const requestBytes = 8;

const arrivals: Arrival[] = [];
let hurried = 0;
let lastByteMs = Number.NEGATIVE_INFINITY;

/** Bytes leave as they are complete; the last millisecond is waited for turn by turn. */
function pace(bytes: Buffer, startMs: number, write: (bytes: Buffer) => void): void {
  let sent = 0;
  const step = () => {
    const nowMs = performance.now();
    const due = Math.min(bytes.length, Math.floor((nowMs - startMs) / characterMs));
    if (due > sent) {
      write(bytes.subarray(sent, due));
      sent = due;
      lastByteMs = nowMs;
    }
    if (sent === bytes.length) return;
    const leftMs = startMs + bytes.length * characterMs - nowMs;
    if (leftMs > 3) setTimeout(step, 1);
    else setImmediate(step);
  };
  step();
}

function answer(request: RtuRequest): void {
  const reply = rtuReply(request);
  arrivals.push({ atMs: request.atMs, unit: request.unit, replyBytes: reply.length });
  // A tenth of a millisecond for the clocks of two processes.
  if (request.atMs - lastByteMs < gapMs - 0.1) hurried++;
  // A unit knows that a request is over when it has heard nothing for 3.5 characters.
  pace(reply, request.atMs + requestBytes * characterMs + gapMs, request.write);
}

listenOnPty(path as string, new RtuListener(answer));
process.on('message', () => process.send?.({ arrivals, hurried } satisfies LineReport, () => process.exit(0)));
process.send?.('ready');
