import { Socket } from 'node:net';
import type { BytePort } from './byte-port.ts';
import { dial } from './dial.ts';
import { assertRead } from './rtu-frame.ts';

/** A serial server that passes bytes on as they are ("raw", "transparent" mode). */
export class TcpPort implements BytePort {
  readonly #socket = new Socket();
  #error: Error | undefined;
  #isClosing = false;
  readonly closed: Promise<Error | undefined>;

  private constructor() {
    this.#socket.on('error', (error) => {
      this.#error ??= error;
    });
    // Who has closed one half takes no more questions.
    this.#socket.once('end', () => this.#socket.destroy());
    this.closed = new Promise((resolve) =>
      this.#socket.once('close', () =>
        resolve(this.#isClosing ? undefined : (this.#error ?? new Error('the device closed the connection'))),
      ),
    );
  }

  /** Rejects with the error of the socket. */
  static async open(target: { readonly host: string; readonly port: number }, signal: AbortSignal): Promise<TcpPort> {
    const port = new TcpPort();
    await dial(port.#socket, () => port.#socket.connect(target), 'connect', port.closed, signal);
    return port;
  }

  async send(frame: Buffer): Promise<void> {
    assertRead(frame);
    if (!this.#socket.destroyed) this.#socket.write(frame);
  }

  listen(listener: (bytes: Buffer) => void): void {
    this.#socket.on('data', listener);
  }

  close(): void {
    this.#isClosing = true;
    this.#socket.destroy();
  }
}
