import { FettleError } from '../../core/errors.ts';

interface OpenRequest {
  readonly mayStill: () => boolean;
  readonly abort: AbortController;
}

/** Requests that are being answered. An answer that goes on for hours ends with the login behind it. */
export class OpenRequests {
  readonly #open = new Set<OpenRequest>();

  /** `mayStill`: whether who asked would be let in now. Returns how to say that the answer is over. */
  add(mayStill: () => boolean, abort: AbortController): () => void {
    const request = { mayStill, abort };
    this.#open.add(request);
    return () => void this.#open.delete(request);
  }

  /** Ends those whose caller may no longer be told anything. */
  check(): void {
    for (const { mayStill, abort } of this.#open)
      if (!mayStill()) abort.abort(new FettleError('FETTLE_ACCESS_DENIED', 'the login behind this request has ended'));
  }
}
