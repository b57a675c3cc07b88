import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { alarmStates } from '../../src/core/alarm.ts';
import { generatedDashboards, textOf } from '../../tools/grafana/files.ts';
import type { Dashboard, Panel } from '../../tools/grafana/schema.ts';

const root = join(import.meta.dirname, '../..');
const files = [...generatedDashboards()];
const dashboards = files.map(([, dashboard]) => dashboard);
const panelsOf = ({ panels }: Dashboard): Panel[] => panels.filter((panel): panel is Panel => 'targets' in panel);
const allPanels = dashboards.flatMap((dashboard) => panelsOf(dashboard).map((panel) => ({ dashboard, panel })));

/** What Grafana replaces by itself. */
const globals = new Set([
  ...['timeFilter', '__interval', '__interval_ms', '__rate_interval', '__range', '__range_s', '__from', '__to', '__url_time_range'],
  ...['__field', '__data'],
]);
/** Names in an alias: columns and tags of the series. */
const aliases = /^(col|m|tag_\w+)$/;
/** Of Grafana's list (packages/grafana-data/src/valueFormats/categories.ts), those in use. */
const units = new Set(['short', 's', 'ms', 'bytes', 'ops', 'percentunit', 'dateTimeFromNow', 'dateTimeAsIso']);
const colours = /^(transparent|text|(super-light-|light-|semi-dark-|dark-)?(green|red|orange|yellow|blue|purple))$/;

const variablesIn = (text: string): string[] =>
  [...text.matchAll(/\$\{(\w+)|\$(\w+)|\[\[(\w+)/g)].map(([, braced, bare, square]) => (braced ?? bare ?? square) as string);

const textsOf = (value: unknown): string[] =>
  typeof value === 'string' ? [value] : typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];

describe('the dashboards', () => {
  it.each(files)('%s is what npm run grafana writes', (path, dashboard) => {
    expect(readFileSync(join(root, path), 'utf8'), 'run npm run grafana').toBe(textOf(dashboard));
  });

  it('are all there is in the folder', () => {
    const found = readdirSync(join(root, 'grafana/dashboards'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.json'),
    );
    expect(found.map((name) => `grafana/dashboards/${name}`).sort()).toEqual(files.map(([path]) => path).sort());
  });

  it('have names of their own, and panels have numbers of their own', () => {
    expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(dashboards.length);
    expect(new Set(dashboards.map(({ title }) => title)).size).toBe(dashboards.length);
    for (const { uid, panels, id, schemaVersion } of dashboards) {
      // Grafana takes 40 characters.
      expect(uid).toMatch(/^[a-z-]{1,40}$/);
      expect({ id, schemaVersion }).toEqual({ id: null, schemaVersion: 42 });
      expect(new Set(panels.map((panel) => panel.id)).size).toBe(panels.length);
    }
  });

  it('place their panels within 24 columns, none over another', () => {
    for (const { uid, panels } of dashboards) {
      const taken = new Map<string, string>();
      for (const { gridPos, title = '' } of panels) {
        const { x, y, w, h } = gridPos as NonNullable<typeof gridPos>;
        expect(x + w, `${uid}: ${title}`).toBeLessThanOrEqual(24);
        for (let column = x; column < x + w; column++) {
          for (let row = y; row < y + h; row++) {
            const cell = `${column},${row}`;
            expect(taken.get(cell), `${uid}: ${title} lies over it at ${cell}`).toBeUndefined();
            taken.set(cell, title);
          }
        }
      }
    }
  });

  it('ask the store the reader chose, never one by its uid', () => {
    for (const { dashboard, panel } of allPanels) {
      const type = dashboard.uid.endsWith('-promql') ? 'prometheus' : 'influxdb';
      expect(dashboard.templating.list[0]).toMatchObject({ name: 'ds', type: 'datasource', query: type });
      for (const asked of [panel, ...panel.targets]) expect(asked.datasource).toEqual({ type, uid: '${ds}' });
    }
    const asking = dashboards.flatMap(({ templating, annotations }) => [
      ...templating.list.filter(({ type }) => type === 'query'),
      ...annotations.list.filter(({ builtIn }) => builtIn !== 1),
    ]);
    expect(asking.length).toBeGreaterThan(dashboards.length);
    for (const { datasource } of asking) expect((datasource as { uid: string }).uid).toBe('${ds}');
  });

  it('use variables that are declared, each declared before what asks for it', () => {
    for (const dashboard of dashboards) {
      const known = new Set(globals);
      for (const { name, query = '' } of dashboard.templating.list) {
        for (const used of textsOf(query).flatMap(variablesIn)) expect([...known], `${dashboard.uid}: ${name}`).toContain(used);
        known.add(name);
      }
      const { panels, links, annotations } = dashboard;
      const used = textsOf([panels.map((panel) => ('targets' in panel ? { ...panel, transformations: [] } : panel)), links, annotations]);
      const unknown = used.flatMap(variablesIn).filter((name) => !known.has(name) && !aliases.test(name));
      expect(unknown, dashboard.uid).toEqual([]);
    }
  });

  it('show and ask for each of their variables', () => {
    for (const { uid, panels, templating, annotations, links } of dashboards) {
      const used = new Set(textsOf([panels, templating, annotations, links]).flatMap(variablesIn));
      for (const { name } of templating.list) expect([...used], `${uid} has ${name} for nothing`).toContain(name);
    }
  });

  it('number the queries of a panel, and name what each panel shows and what to do', () => {
    for (const { dashboard, panel } of allPanels) {
      const where = `${dashboard.uid}: ${panel.title}`;
      expect(panel.targets.length, where).toBeGreaterThan(0);
      expect(new Set(panel.targets.map(({ refId }) => refId)).size, where).toBe(panel.targets.length);
      expect(panel.description?.length, where).toBeGreaterThan(20);
      expect(panel.description, where).toMatch(/\.$/);
    }
  });

  it('know their units and colours', () => {
    for (const { dashboard, panel } of allPanels) {
      const { defaults, overrides } = panel.fieldConfig;
      const where = `${dashboard.uid}: ${panel.title}`;
      const set = overrides.flatMap(({ properties }) => properties.filter(({ id }) => id === 'unit').map(({ value }) => value as string));
      for (const unit of [defaults.unit, ...set]) if (unit !== undefined) expect([...units], where).toContain(unit);
      const named = JSON.stringify([defaults, overrides]).matchAll(/"(?:color|fixedColor)":"([^"]+)"/g);
      for (const [, colour] of named) expect(colour, where).toMatch(colours);
      const values = defaults.thresholds?.steps.map(({ value }) => value ?? Number.NEGATIVE_INFINITY) ?? [];
      expect(values, where).toEqual([...values].sort((a, b) => a - b));
    }
  });

  it('have a colour for each state of an alarm', () => {
    const timelines = allPanels.filter(({ panel }) => panel.type === 'state-timeline');
    expect(timelines.length).toBe(6);
    for (const { dashboard, panel } of timelines) {
      const [mapping] = panel.fieldConfig.defaults.mappings ?? [];
      const keys = dashboard.uid.endsWith('-promql') ? alarmStates.map((_, code) => String(code)) : alarmStates;
      expect(Object.keys((mapping?.options ?? {}) as object).sort()).toEqual([...keys].sort());
    }
  });

  it('link to dashboards that are there, and keep time and store', () => {
    const known = new Set(dashboards.map(({ uid }) => uid));
    const tags = new Set(dashboards.flatMap((dashboard) => dashboard.tags ?? []));
    const to = textsOf(dashboards).filter((text) => text.startsWith('/d/'));
    expect(to.length).toBeGreaterThan(5);
    for (const url of to) {
      expect([...known]).toContain(/^\/d\/([^/?]+)\?/.exec(url)?.[1]);
      expect(url).toContain('${__url_time_range}');
      expect(url).toContain('var-ds=${ds}');
    }
    for (const { links = [], panels } of dashboards) {
      expect(links.filter(({ type }) => type === 'dashboards')).toMatchObject([{ includeVars: true, keepTime: true }]);
      for (const tag of links.flatMap((link) => link.tags)) expect([...tags]).toContain(tag);
      const urls = [...links.map(({ url = '' }) => url), ...textsOf(panels).filter((text) => text.includes('#/'))].filter(
        (url) => url !== '',
      );
      for (const url of urls)
        expect(url).toMatch(/^\$\{gateway\}\/#\/(assets\/\$\{__(data\.fields|field\.labels)\.asset:percentencode\}|alarms)?$/);
    }
  });

  it('draw the limit of a score, and keep its peaks', () => {
    const charts = allPanels.filter(({ panel }) => panel.type === 'timeseries' && panel.title === 'Score over limit');
    expect(charts).toHaveLength(4);
    for (const { panel } of charts) {
      expect(panel.fieldConfig.defaults.thresholds?.steps.some(({ value }) => value === 1)).toBe(true);
      expect(panel.fieldConfig.defaults.custom).toMatchObject({ thresholdsStyle: { mode: expect.stringMatching(/^line/) } });
      for (const { query, expr } of panel.targets) expect((query ?? expr) as string).toMatch(/max\("ratio"\)|max_over_time\(/);
    }
  });

  it('mark alarms as stretches', () => {
    const marks = dashboards.flatMap(({ annotations }) => annotations.list.filter(({ name }) => name === 'Alarms'));
    expect(marks).toHaveLength(6);
    for (const { query, timeEndColumn, target } of marks.filter((mark) => 'timeEndColumn' in mark)) {
      expect(query).toContain(`"${timeEndColumn as string}"`);
      expect(target).toMatchObject({ query, timeEndColumn });
    }
  });
});
