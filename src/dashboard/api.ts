/** What the gateway refused, in its words. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;
  /** How long to wait before the next try, seconds; 0 where nobody said. */
  readonly retryAfterS: number;

  constructor(status: number, { detail = '', code = '', hint }: { detail?: string; code?: string; hint?: string }, retryAfterS = 0) {
    super(detail);
    this.status = status;
    this.code = code;
    this.hint = hint;
    this.retryAfterS = retryAfterS;
  }
}

/** Called when the session has ended. */
let onLoggedOut: () => void = () => {};
export const whenLoggedOut = (then: () => void): void => {
  onLoggedOut = then;
};

/** Throws ApiError, and TypeError where the gateway is not reached. */
export async function ask<Answer>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object, signal?: AbortSignal): Promise<Answer> {
  const response = await fetch(`/api/v1${path}`, {
    method,
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    ...(signal !== undefined && { signal }),
  });
  const answer: unknown = await response.json().catch(() => ({}));
  if (response.ok) return answer as Answer;
  if (response.status === 401 && path !== '/session') onLoggedOut();
  throw new ApiError(response.status, answer as object, Number(response.headers.get('retry-after') ?? 0));
}

export const get = <Answer>(path: string, signal?: AbortSignal): Promise<Answer> => ask('GET', path, undefined, signal);
export const post = <Answer>(path: string, body: object = {}): Promise<Answer> => ask('POST', path, body);
