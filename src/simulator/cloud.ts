import { createServer, type Server } from 'node:http';
import { gunzipSync } from 'node:zlib';

/** Stands in for InfluxDB in the demo: takes line protocol on /write, counts the points, and can be unreachable for a while. */
export class DemoCloud {
  #server: Server | undefined;
  port = 0;
  /** False: connections are cut, as behind a dead link. */
  reachable = true;
  points = 0;

  async start(port = 0): Promise<void> {
    const server = createServer((request, response) => {
      if (!this.reachable) return void request.socket.destroy();
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (request.method === 'POST' && request.url?.startsWith('/write') === true) {
          const body = Buffer.concat(chunks);
          const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
          this.points += text.length === 0 ? 0 : text.toString().trimEnd().split('\n').length;
          response.writeHead(204).end();
        } else if (request.url === '/ping') response.writeHead(204).end();
        else response.writeHead(200, { 'content-type': 'application/json' }).end('{"results":[{}]}');
      });
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    this.#server = server;
    this.port = (server.address() as { port: number }).port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    server?.closeAllConnections();
    if (server !== undefined) await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}
