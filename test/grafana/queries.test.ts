import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Family } from '../../tools/grafana/family.ts';
import { generatedDashboards } from '../../tools/grafana/files.ts';
import type { Dashboard, Panel } from '../../tools/grafana/schema.ts';
import { eventually } from '../support/eventually.ts';
import { type Influxd, startInfluxd } from '../support/influxd.ts';
import { freePort, type Peer } from '../support/peer-process.ts';
import { type Prometheus, startPrometheus } from '../support/prometheus.ts';
import { sharedDirectory } from '../support/temporary-directory.ts';
import { startVictoriaMetrics, type VictoriaMetrics } from '../support/victoria-metrics.ts';
import { type Answer, askInfluxdb, askLabelValues, askPrometheus, rowsOf } from './ask.ts';
import { type Chosen, interpolate, type View } from './interpolate.ts';
import { pump, RunningPlant, site } from './plant.ts';

const folder = sharedDirectory();
let influxd: Influxd | undefined;
let victoria: VictoriaMetrics | undefined;
let prometheus: Prometheus | undefined;
let plant: RunningPlant | undefined;
let view: Omit<View, 'variables'>;

beforeAll(async () => {
  const port = await freePort();
  const scrape = { target: `127.0.0.1:${port}`, tokenFile: join(folder, 'token') };
  writeFileSync(scrape.tokenFile, '');
  [influxd, victoria, prometheus] = await Promise.all([startInfluxd(), startVictoriaMetrics(scrape), startPrometheus(scrape)]);
  const urls = [influxd, victoria].flatMap((peer) => (peer === undefined ? [] : [peer.url]));
  const sinks = urls.map((url, index) => ({ id: `store${index}`, type: 'influxdb', url, batch: { wait: '100ms' } }));
  plant = await RunningPlant.start({ folder, port, sinks });
  writeFileSync(scrape.tokenFile, plant.server.access.store.addToken('prometheus', 'viewer', new Date()).secret);
  await plant.live(9_000);
  const { gateway } = plant;
  await eventually(() => Object.values(gateway.status().sinks).every(({ delivery }) => delivery.oldestAgeMs === null), 'all is delivered');
  await victoria?.exportSeries('{__name__="fettle_score_ratio"}');
  const toMs = Date.now();
  view = { fromMs: toMs - 15 * 60_000, toMs, intervalMs: 2_000, rateIntervalMs: 5_000 };
}, 60_000);

afterAll(async () => {
  await plant?.stop();
  for (const peer of [influxd, victoria, prometheus] as (Peer | undefined)[]) await peer?.dispose();
});

/** What a gateway knows only after an hour. */
const later = /^Autonomy /;

/** Asks one store everything a dashboard asks; what has no rows, and what could not be asked. */
async function askAll(dashboard: Dashboard, ask: Asker): Promise<{ asked: string[]; empty: string[] }> {
  const asked: string[] = [];
  const empty: string[] = [];
  const note = (what: string, rows: number): void => {
    asked.push(what);
    if (rows === 0 && !later.test(what)) empty.push(what);
  };
  const variables: Record<string, Chosen> = { ds: { one: 'some-uid' }, gateway: { one: 'http://gateway' } };
  for (const variable of dashboard.templating.list) {
    if (variable.type !== 'query') continue;
    const query = typeof variable.query === 'string' ? variable.query : (variable.query?.query as string);
    const values = await ask.variable(interpolate(query, ask.family, { ...view, variables }));
    note(`variable ${variable.name}`, values.length);
    const wanted = { site, asset: pump }[variable.name] ?? values[0];
    expect(values, `${variable.name} of ${dashboard.uid}`).toContain(wanted);
    variables[variable.name] = variable.multi === true ? { many: values } : { one: wanted as string };
  }
  // First what is chosen by name, then everything by the variable's own text for it.
  const all = Object.fromEntries(
    dashboard.templating.list.map(({ name, multi, allValue }) => [
      name,
      multi === true ? { all: allValue as string } : (variables[name] as Chosen),
    ]),
  );
  for (const [how, chosen] of [
    ['', variables],
    [' for all', all],
  ] as const) {
    const full = { ...view, variables: chosen };
    for (const annotation of dashboard.annotations.list) {
      if (annotation.builtIn === 1) continue;
      const answer = await ask.query(interpolate((annotation.query ?? annotation.expr) as string, ask.family, full), false);
      note(`annotation ${annotation.name}${how}`, rowsOf(answer));
    }
    for (const panel of dashboard.panels) {
      for (const target of 'targets' in panel ? panel.targets : []) {
        const scoped = scopesOf(panel as Panel, full)[0] as View;
        const answer = await ask.query(interpolate((target.query ?? target.expr) as string, ask.family, scoped), target.instant === true);
        note(`${panel.title} ${target.refId}${how}`, rowsOf(answer));
      }
    }
  }
  return { asked, empty };
}

/** A repeated panel is there once for each value. */
function scopesOf({ repeat }: Panel, full: View): View[] {
  const chosen = repeat === undefined ? undefined : full.variables[repeat];
  if (repeat === undefined || chosen === undefined || !('many' in chosen)) return [full];
  return chosen.many.map((one) => ({ ...full, variables: { ...full.variables, [repeat]: { many: [one] } } }));
}

interface Asker {
  readonly family: Family;
  variable(query: string): Promise<string[]>;
  query(query: string, instant: boolean): Promise<Answer>;
}

const dashboards = [...generatedDashboards()].map(
  ([path, dashboard]) => [path.replace(/^grafana\/dashboards\/|\.json$/g, ''), dashboard] as const,
);
const of = (family: Family, ...names: string[]) =>
  dashboards.filter(([name]) => name.startsWith(family) && (names.length === 0 || names.some((wanted) => name.endsWith(wanted))));

describe('what the dashboards ask', () => {
  it.each(of('influxql'))('of InfluxDB has rows: %s', async (_, dashboard) => {
    const server = influxd;
    if (server === undefined) return;
    const { asked, empty } = await askAll(dashboard, {
      family: 'influxql',
      variable: async (query) =>
        (await askInfluxdb(server.url, 'fettle', query)).series.flatMap(({ rows }) => rows.map((row) => String(row[1]))),
      query: (query) => askInfluxdb(server.url, 'fettle', query),
    });
    expect(empty).toEqual([]);
  });

  const promAsker = (url: string): Asker => {
    const range = { ...view, stepMs: view.intervalMs };
    return {
      family: 'promql',
      variable: (query) => askLabelValues(url, query, range),
      query: (query, instant) => askPrometheus(url, query, range, instant),
    };
  };

  it.each(of('promql'))('of VictoriaMetrics, which scrapes the gateway too, has rows: %s', async (_, dashboard) => {
    if (victoria === undefined) return;
    const { asked, empty } = await askAll(dashboard, promAsker(victoria.url));
    expect(empty).toEqual([]);
  });

  it.each(of('promql', 'overview', 'alarms', 'gateway'))('of Prometheus has rows: %s', async (_, dashboard) => {
    if (prometheus === undefined) return;
    const { asked, empty } = await askAll(dashboard, promAsker(prometheus.url));
    expect(empty).toEqual([]);
  });
});
