/** The writer's thread: one database, requests in order, an answer for each. */
import { parentPort, workerData } from 'node:worker_threads';
import { FettleError } from '../core/errors.ts';
import type { Answer, Request, Upgrading } from './protocol.ts';
import { isDamaged } from './sqlite-error.ts';
import { JournalStore, type StoreOptions } from './store.ts';

const port = parentPort;
if (port === null) throw new Error('writer-thread is started by journal.ts');

const options = workerData as StoreOptions;
let store: JournalStore;

const fail = (error: unknown): Answer['error'] => ({
  message: error instanceof Error ? error.message : String(error),
  ...(error instanceof FettleError && { code: error.code, ...(error.hint !== undefined && { hint: error.hint }) }),
  damaged: isDamaged(error),
});

try {
  store = new JournalStore(options, (upgrading) => port.postMessage({ upgrading } satisfies Upgrading));
  port.postMessage({ id: 0, result: store.opened } satisfies Answer);
} catch (error) {
  port.postMessage({ id: 0, error: fail(error) } satisfies Answer);
}

const perform = (request: Request): unknown => {
  switch (request.do) {
    case 'commit':
      return store.commit(request.batch);
    case 'segments':
      return store.segments(request.afterSeq, request.maxBytes);
    case 'existing':
      return store.existing(request.source, request.tag, request.timeMs);
    case 'readOutbox':
      return store.readOutbox(request.query);
    case 'removeOutbox':
      return store.removeOutbox(request.ids);
    case 'quarantine':
      return store.quarantine(request.sink, request.entries, request.wallMs);
    case 'depth':
      return store.depth(request.sink);
    case 'query':
      return store.query(request.sql, request.parameters);
    case 'retention':
      return store.retentionCounters();
    case 'backup':
      return store.backup(request.file);
    case 'reopen':
      store.close();
      store = new JournalStore(options);
      return store.opened;
    case 'close':
      store.close();
      return undefined;
  }
};

port.on('message', ({ id, request }: { id: number; request: Request }) => {
  const answer = (result: unknown): void => port.postMessage({ id, result } satisfies Answer);
  const refuse = (error: unknown): void => port.postMessage({ id, error: fail(error) } satisfies Answer);
  try {
    const result = perform(request);
    if (result instanceof Promise) result.then(answer, refuse);
    else answer(result);
  } catch (error) {
    refuse(error);
  }
  if (request.do === 'close') port.close();
});
