import { useEffect, useState } from 'preact/hooks';
import { get } from './api.ts';

export interface Fetched<Data> {
  readonly data: Data | undefined;
  readonly error: string | undefined;
  /** Ask again now. */
  readonly again: () => void;
}

/** An answer of the API, asked for again every `everyMs` and when `path` or `key` change; the last one stays while the next is on its way. */
export function useFetched<Data>(path: string, everyMs?: number, key: unknown = ''): Fetched<Data> {
  const [state, setState] = useState<{ data?: Data; error?: string }>({});
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    get<Data>(path, abort.signal).then(
      (data) => {
        // Half an answer is none.
        if (!abort.signal.aborted) setState({ data });
      },
      (error: unknown) => {
        if (!abort.signal.aborted) setState((before) => ({ ...before, error: error instanceof Error ? error.message : String(error) }));
      },
    );
    return () => abort.abort();
  }, [path, turn, key]);
  useEffect(() => {
    if (everyMs === undefined) return;
    const timer = setInterval(() => setTurn((n) => n + 1), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return { data: state.data, error: state.error, again: () => setTurn((n) => n + 1) };
}
