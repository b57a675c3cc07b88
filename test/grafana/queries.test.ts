import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isStanding } from '../../src/core/alarm.ts';
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
import { pump, RunningPlant, site, tank } from './plant.ts';

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
  [influxd, victoria, prometheus] = await Promise.all([
    startInfluxd(),
    startVictoriaMetrics(scrape),
    startPrometheus(scrape, join(import.meta.dirname, '../../packaging/prometheus/fettle.rules.yml')),
  ]);
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

/** The same for both languages that Prometheus' API has an asker for. */
const promAsker = (url: string, only?: string): Asker => {
  const range = { ...view, stepMs: view.intervalMs, ...(only !== undefined && { only }) };
  return {
    family: 'promql',
    variable: (query) => askLabelValues(url, query, range),
    query: (query, instant) => askPrometheus(url, query, range, instant),
  };
};

const influxAsker = (url: string): Asker => ({
  family: 'influxql',
  variable: async (query) => (await askInfluxdb(url, 'fettle', query)).series.flatMap(({ rows }) => rows.map((row) => String(row[1]))),
  query: (query) => askInfluxdb(url, 'fettle', query),
});

describe('what the dashboards ask', () => {
  it.for(of('influxql'))('of InfluxDB has rows: %s', async ([, dashboard], { skip }) => {
    if (influxd === undefined) return skip('influxd is not installed');
    expect((await askAll(dashboard, influxAsker(influxd.url))).empty).toEqual([]);
  });

  it.for(of('promql'))('of VictoriaMetrics, which scrapes the gateway too, has rows: %s', async ([, dashboard], { skip }) => {
    if (victoria === undefined) return skip('victoria-metrics is not installed');
    expect((await askAll(dashboard, promAsker(victoria.url))).empty).toEqual([]);
  });

  it('of VictoriaMetrics, which nobody lets scrape the gateway, have rows where the sink sends what they show', async ({ skip }) => {
    if (victoria === undefined) return skip('victoria-metrics is not installed');
    const sent = promAsker(victoria.url, '{db="fettle"}');
    const empty: string[] = [];
    for (const [name, dashboard] of of('promql', 'overview', 'asset', 'alarms')) {
      for (const what of (await askAll(dashboard, sent)).empty) if (!what.endsWith(' for all')) empty.push(`${name}: ${what}`);
    }
    // What only /metrics says.
    expect(empty).toEqual([
      'promql/overview: Samples per second A',
      'promql/overview: Newest data A',
      'promql/overview: Gateways well A',
      'promql/asset: Watched A',
      'promql/alarms: Raised in the range A',
      'promql/alarms: Raised per hour A',
      'promql/alarms: Raised in ten minutes A',
    ]);
  });

  it.for(of('promql', 'overview', 'alarms', 'gateway'))('of Prometheus has rows: %s', async ([, dashboard], { skip }) => {
    if (prometheus === undefined) return skip('prometheus is not installed');
    expect((await askAll(dashboard, promAsker(prometheus.url))).empty).toEqual([]);
  });

  it('of the alert rules goes through in Prometheus, and none is raised for a gateway that is well', async ({ skip }) => {
    if (prometheus === undefined) return skip('prometheus is not installed');
    const answer = await fetch(`${prometheus.url}/api/v1/rules`);
    const { data } = (await answer.json()) as { data: { groups: { rules: { name: string; health: string; state: string }[] }[] } };
    const rules = data.groups.flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThan(20);
    expect(rules.filter(({ health, state }) => health !== 'ok' || state === 'firing')).toEqual([]);
  });

  it('is answered alike by all stores, and as the gateway says', async ({ skip }) => {
    if (influxd === undefined || victoria === undefined || prometheus === undefined) return skip('not every store is installed');
    const variables = { site: { all: '.*' }, asset: { all: '.*' }, ds: { one: '' }, gateway: { one: '' } };
    const newest = async (ask: Asker, page: string, title: string): Promise<number> => {
      const found = of(ask.family, page).flatMap(([, { panels }]) => panels.filter((panel) => panel.title === title && 'targets' in panel));
      const [target] = (found[0] as Panel).targets;
      const query = interpolate((target?.query ?? target?.expr) as string, ask.family, { ...view, variables });
      return Number((await ask.query(query, target?.instant === true)).series[0]?.rows.at(-1)?.[1]);
    };
    const alarms = (plant as RunningPlant).gateway.status().assets.flatMap((asset) => asset.alarms);
    const standing = alarms.filter(({ state }) => isStanding(state)).length;
    expect(standing).toBeGreaterThan(0);
    for (const ask of [influxAsker(influxd.url), promAsker(victoria.url), promAsker(prometheus.url)]) {
      expect(await newest(ask, 'overview', 'Alarms standing')).toBe(standing);
      expect(await newest(ask, 'alarms', 'Standing')).toBe(standing);
      expect(await newest(ask, 'alarms', 'Waiting for somebody')).toBe(alarms.filter(({ state }) => /unack/i.test(state)).length);
      expect(await newest(ask, 'overview', 'Assets scored')).toBe(1);
      expect(await newest(ask, 'overview', 'Highest score')).toBeLessThan(1);
    }
    const raised = (plant as RunningPlant).gateway.counters.raised;
    expect(await newest(influxAsker(influxd.url), 'alarms', 'Raised in the range')).toBe(raised);
    expect(await newest(influxAsker(influxd.url), 'asset', 'Highest in the range')).toBeGreaterThan(1);
    expect(await newest(promAsker(victoria.url), 'overview', 'Score over limit')).toBeGreaterThan(0);
  });

  it('marks a stretch for each alarm that ended, and a beginning for one that stands', async ({ skip }) => {
    if (influxd === undefined) return skip('influxd is not installed');
    const [, { annotations }] = of('influxql', 'alarms')[0] as (typeof dashboards)[number];
    const query = annotations.list.find(({ name }) => name === 'Alarms')?.query as string;
    const variables = { site: { one: site }, asset: { many: [pump, tank] } };
    const { series } = await askInfluxdb(influxd.url, 'fettle', interpolate(query, 'influxql', { ...view, variables }));
    const marks = (series[0]?.rows ?? []).map((row) => Object.fromEntries((series[0]?.columns ?? []).map((column, i) => [column, row[i]])));
    const level = marks.find(({ rule }) => rule === 'hi');
    expect(level).toMatchObject({ title: `${tank}: hi ${tank}/level`, text: expect.stringContaining('above its high limit of 90 %') });
    expect((level?.time_end as number) - (level?.time as number)).toBe(30_000);
    expect(marks.find(({ rule }) => rule === 'hihi')).toMatchObject({ asset: tank, time_end: null });
    expect(marks.find(({ rule }) => rule === 'anomaly')).toMatchObject({ asset: pump, time_end: expect.any(Number) });
  });

  it('is refused with a variable that is not there, and empty with a field that is not there', async ({ skip }) => {
    if (influxd === undefined) return skip('influxd is not installed');
    const [, overview] = of('influxql', 'overview')[0] as (typeof dashboards)[number];
    const broken = (from: string, to: string) => JSON.parse(JSON.stringify(overview).replaceAll(from, to)) as Dashboard;
    const ask = influxAsker(influxd.url);
    await expect(askAll(broken('${asset:regex}', '${machine:regex}'), ask)).rejects.toThrow('${machine:regex} is no variable');
    await expect(askAll(broken('GROUP BY time(', 'GROUP BI time('), ask)).rejects.toThrow('error parsing query');
    const { empty } = await askAll(broken('last(\\"ratio\\")', 'last(\\"ration\\")'), ask);
    expect(empty).toContain('Highest score A');
  });
});
