/** Stores as Grafana asks them. */

export interface Answer {
  /** Series, and how many points each has. */
  readonly series: readonly {
    readonly name: string;
    readonly columns: readonly string[];
    readonly rows: readonly (readonly unknown[])[];
  }[];
}

export const rowsOf = ({ series }: Answer): number => series.reduce((sum, { rows }) => sum + rows.length, 0);

interface InfluxAnswer {
  readonly error?: string;
  readonly results?: readonly {
    readonly error?: string;
    readonly series?: readonly {
      readonly name: string;
      readonly tags?: object;
      readonly columns: readonly string[];
      readonly values?: readonly unknown[][];
    }[];
  }[];
}

/** Throws Error with the query and the store's words. */
export async function askInfluxdb(url: string, database: string, query: string): Promise<Answer> {
  const response = await fetch(`${url}/query?${new URLSearchParams({ db: database, epoch: 'ms' })}`, {
    method: 'POST',
    body: new URLSearchParams({ q: query }),
  });
  const { error, results = [] } = (await response.json()) as InfluxAnswer;
  const said = error ?? results.find((result) => result.error !== undefined)?.error;
  if (said !== undefined) throw new Error(`${said}: ${query}`);
  return {
    series: (results[0]?.series ?? []).map(({ name, tags, columns, values = [] }) => ({
      name: `${name} ${JSON.stringify(tags ?? {})}`,
      columns,
      rows: values,
    })),
  };
}

interface PromAnswer {
  readonly status: string;
  readonly error?: string;
  readonly data?: {
    readonly resultType: string;
    readonly result: readonly { readonly metric: object; readonly value?: readonly unknown[]; readonly values?: readonly unknown[][] }[];
  };
}

export interface PromRange {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
  /** Only series like this: VictoriaMetrics' `extra_filters[]`. */
  readonly only?: string;
}

/** Over a range, or (`instant`) at its end. Throws Error with the query and the store's words. */
export async function askPrometheus(
  url: string,
  expr: string,
  { fromMs, toMs, stepMs, only }: PromRange,
  instant: boolean,
): Promise<Answer> {
  const parameters = instant
    ? { query: expr, time: `${toMs / 1000}` }
    : { query: expr, start: `${fromMs / 1000}`, end: `${toMs / 1000}`, step: `${stepMs / 1000}` };
  const response = await fetch(
    `${url}/api/v1/${instant ? 'query' : 'query_range'}?${new URLSearchParams({ ...parameters, ...filterOf(only) })}`,
  );
  const { status, error, data } = (await response.json()) as PromAnswer;
  if (status !== 'success' || data === undefined) throw new Error(`${error}: ${expr}`);
  return {
    series: data.result.map(({ metric, value, values }) => ({
      name: JSON.stringify(metric),
      columns: ['time', 'value'],
      rows: values ?? (value === undefined ? [] : [value]),
    })),
  };
}

/** `label_values(selector, label)`, as the data source does it. */
export async function askLabelValues(url: string, query: string, { fromMs, toMs, only }: PromRange): Promise<string[]> {
  const [, selector, label] = /^label_values\((.*), (\w+)\)$/.exec(query) ?? [];
  if (selector === undefined || label === undefined) throw new Error(`not label_values(…): ${query}`);
  const parameters = new URLSearchParams({ 'match[]': selector, start: `${fromMs / 1000}`, end: `${toMs / 1000}`, ...filterOf(only) });
  const response = await fetch(`${url}/api/v1/label/${label}/values?${parameters}`);
  const { status, error, data } = (await response.json()) as { status: string; error?: string; data?: string[] };
  if (status !== 'success') throw new Error(`${error}: ${query}`);
  return data ?? [];
}

const filterOf = (only: string | undefined): Record<string, string> => (only === undefined ? {} : { 'extra_filters[]': only });
