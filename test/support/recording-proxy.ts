import { createServer, request as forward, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';

export interface Recorded {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Ungzipped. */
  readonly body: string;
  readonly atMs: number;
  /** The status answered; 0 when the connection was dropped or nothing was answered. */
  status: number;
  /** True when the receiver itself said 2xx, whatever the caller was told. */
  stored: boolean;
}

/** What to do with a request instead of forwarding it; undefined forwards. */
export type Answer =
  | { readonly kind: 'status'; readonly status: number; readonly body?: string; readonly headers?: Record<string, string> }
  /** Closes the connection without a word. */
  | { readonly kind: 'drop' }
  /** Forwards and stores, then closes before the answer: the caller cannot know. */
  | { readonly kind: 'dropAnswer' }
  /** Takes the request and never answers. */
  | { readonly kind: 'stall' }
  | { readonly kind: 'delay'; readonly ms: number };

export interface RecordingProxy {
  readonly url: string;
  readonly records: Recorded[];
  /** Called for each request; what it returns decides. Replace it at any time. */
  answer: (request: { method: string; path: string; body: string; index: number }) => Answer | undefined;
  /** While false the port is closed: connection refused. */
  setListening(listening: boolean): Promise<void>;
  /** Lines the receiver took, as often as it took them. */
  storedLines(): string[];
  close(): Promise<void>;
}

/** An HTTP proxy before one server that records every request and can misbehave in every way a link can. */
export async function startRecordingProxy(target: string): Promise<RecordingProxy> {
  const records: Recorded[] = [];
  const sockets = new Set<Socket>();
  let server: Server;
  let port = 0;

  const proxy: RecordingProxy = {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    records,
    answer: () => undefined,
    setListening: async (listening) => (listening ? await listen() : await close()),
    storedLines: () =>
      records.filter((record) => record.stored && record.path.startsWith('/write')).flatMap((record) => record.body.split('\n')),
    close: async () => await close(),
  };

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const raw = await bytesOf(request);
    const body = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw).toString();
    const path = request.url ?? '/';
    const record: Recorded = {
      method: request.method ?? 'GET',
      path,
      headers: request.headers,
      body,
      atMs: Date.now(),
      status: 0,
      stored: false,
    };
    const index = records.push(record) - 1;
    const answer = proxy.answer({ method: record.method, path, body, index });
    if (answer?.kind === 'drop') return void request.socket.destroy();
    if (answer?.kind === 'stall') return;
    if (answer?.kind === 'status') {
      record.status = answer.status;
      response.writeHead(answer.status, answer.headers ?? {});
      return void response.end(answer.body ?? '');
    }
    if (answer?.kind === 'delay') await new Promise((resolve) => setTimeout(resolve, answer.ms));
    const reply = await relay(target, request, raw);
    record.stored = reply.status >= 200 && reply.status < 300;
    if (answer?.kind === 'dropAnswer') return void request.socket.destroy();
    record.status = reply.status;
    response.writeHead(reply.status, reply.headers);
    response.end(reply.body);
  };

  const listen = () =>
    new Promise<void>((resolve, reject) => {
      server = createServer((request, response) => {
        handle(request, response).catch(() => request.socket.destroy());
      });
      server.on('connection', (socket) => {
        sockets.add(socket);
        socket.on('close', () => sockets.delete(socket));
      });
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        const address = server.address();
        if (typeof address === 'object' && address) port = address.port;
        resolve();
      });
    });

  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });

  await listen();
  return proxy;
}

async function bytesOf(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function relay(
  target: string,
  request: IncomingMessage,
  body: Buffer,
): Promise<{ status: number; headers: Record<string, string | string[]>; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const { host: _, connection: __, 'transfer-encoding': ___, ...headers } = request.headers;
    const outgoing = forward(
      `${target}${request.url}`,
      { method: request.method ?? 'GET', headers: { ...headers, 'content-length': String(body.length) } },
      (reply) => {
        bytesOf(reply).then((text) => {
          const { connection: ____, 'transfer-encoding': _____, ...rest } = reply.headers;
          const kept = Object.fromEntries(
            Object.entries(rest).filter((pair): pair is [string, string | string[]] => pair[1] !== undefined),
          );
          resolve({ status: reply.statusCode ?? 502, headers: kept, body: text });
        }, reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
