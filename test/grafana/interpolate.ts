/** Text of a query as Grafana sends it: variables and macros replaced. After grafana's templateSrv and its data sources. */
export interface View {
  readonly fromMs: number;
  readonly toMs: number;
  readonly intervalMs: number;
  /** Shortest range of a rate: four scrapes. */
  readonly rateIntervalMs: number;
  /** What is chosen: one value, several, or all. */
  readonly variables: Readonly<Record<string, Chosen>>;
}

/** `all`: the variable's own text for it, which is used as it is. */
export type Chosen = { readonly one: string } | { readonly many: readonly string[] } | { readonly all: string };

const escapeRegex = (text: string): string => text.replace(/[\\^$*+?.()|[\]{}/]/g, '\\$&');
/** Prometheus wants the backslashes of a regular expression doubled, since it stands in a text. */
const escapePromRegex = (text: string): string => text.replace(/\\/g, '\\\\\\\\').replace(/[$^*{}[\]'+?.()|]/g, '\\\\$&');
const escapePromText = (text: string): string => text.replace(/\\/g, '\\\\\\\\').replace(/"/g, '\\\\"');

type Format = (value: string, isMany: boolean) => string;

const joined = (chosen: Chosen, format: Format): string => {
  if ('all' in chosen) return chosen.all;
  if ('one' in chosen) return format(chosen.one, false);
  return chosen.many.length === 1
    ? format(chosen.many[0] as string, true)
    : `(${chosen.many.map((value) => format(value, true)).join('|')})`;
};

const named: Readonly<Record<string, Format>> = {
  regex: escapeRegex,
  percentencode: encodeURIComponent,
  raw: (value) => value,
};

/** Throws Error for a variable that is not there: Grafana would leave it, and the store would refuse the query. */
export function interpolate(text: string, language: 'influxql' | 'promql', view: View): string {
  const rangeMs = view.toMs - view.fromMs;
  const seconds = (ms: number): string => `${Math.max(1, Math.round(ms / 1000))}`;
  const macros: Readonly<Record<string, string>> = {
    timeFilter: `time >= ${view.fromMs}ms and time <= ${view.toMs}ms`,
    __timeFilter: `time >= ${view.fromMs}ms and time <= ${view.toMs}ms`,
    __interval: language === 'influxql' ? `${view.intervalMs}ms` : `${seconds(view.intervalMs)}s`,
    __interval_ms: `${view.intervalMs}`,
    __rate_interval: `${seconds(view.rateIntervalMs)}s`,
    __range: `${seconds(rangeMs)}s`,
    __range_s: seconds(rangeMs),
    __range_ms: `${rangeMs}`,
    __from: `${view.fromMs}`,
    __to: `${view.toMs}`,
  };
  const byDefault: Format =
    language === 'promql' ? (value, isMany) => (isMany ? escapePromRegex : escapePromText)(value) : (value) => value;
  return text.replace(/\$\{(\w+)(?::(\w+))?\}|\$(\w+)|\[\[(\w+)(?::(\w+))?\]\]/g, (whole, braced, format, bare, square, squareFormat) => {
    const name = (braced ?? bare ?? square) as string;
    const macro = macros[name];
    if (macro !== undefined) return macro;
    const chosen = view.variables[name];
    if (chosen === undefined) throw new Error(`${whole} is no variable of the dashboard: ${text}`);
    return joined(chosen, named[(format ?? squareFormat) as string] ?? byDefault);
  });
}
