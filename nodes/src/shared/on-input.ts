import type { Node, NodeMessage } from 'node-red';

export type Message = NodeMessage & Record<string, unknown>;
export type Send = (message: Message | (Message | Message[] | null)[]) => void;

/** Handles messages so that each is answered once: done, or an error in words that reaches Catch nodes. `signal` aborts when the node closes. */
export function onInput(node: Node, handle: (message: Message, send: Send, signal: AbortSignal) => Promise<void> | void): AbortSignal {
  const closed = new AbortController();
  node.on('input', (message, send, done) => {
    Promise.try(() => handle(message as Message, send as Send, closed.signal)).then(
      () => done(),
      (error: unknown) => {
        // The answer to what was asked of a node that is gone is of no interest.
        if (closed.signal.aborted) done();
        else done(asError(error));
      },
    );
  });
  node.on('close', (done: () => void) => {
    closed.abort(new Error('the node was closed'));
    done();
  });
  return closed.signal;
}

/** An error as people read it: what is wrong, and what to do. Its code goes along for Catch nodes and Switch nodes. */
export function asError(thrown: unknown): Error {
  const { message = String(thrown), hint, code } = (thrown ?? {}) as { message?: string; hint?: string; code?: string };
  // Node-RED shows the text of the error: without a name it is the sentence alone.
  const named = { name: '', ...(code !== undefined && { code }) };
  return Object.assign(new Error(hint === undefined ? message : `${message} → ${hint}`, { cause: thrown }), named);
}
