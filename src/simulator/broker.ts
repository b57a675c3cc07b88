import { createServer, type Server, type Socket } from 'node:net';
import { Aedes } from 'aedes';

/** The embedded MQTT broker of the demo (3.1.1 only; anything serious runs its own). */
export class EmbeddedBroker {
  #server: Server | undefined;
  #aedes: Aedes | undefined;
  readonly #sockets = new Set<Socket>();
  port = 0;

  async start(port = 0, host = '127.0.0.1'): Promise<void> {
    const aedes = await Aedes.createBroker();
    const server = createServer((socket) => {
      socket.setNoDelay(true);
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      aedes.handle(socket);
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
    this.#aedes = aedes;
    this.#server = server;
    this.port = (server.address() as { port: number }).port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#aedes?.close(() => resolve()));
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}
