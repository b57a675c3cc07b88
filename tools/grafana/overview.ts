import { changeWords, noneIsWell, ratioSteps, stateCodes, stateWords, steps, yesNo } from './colours.ts';
import type { DashboardSpec } from './dashboard.ts';
import type { Family } from './family.ts';
import { ofAsset, ofSite, upToNow } from './influxql.ts';
import type { Section } from './layout.ts';
import { rowLinks, seriesLinks } from './links.ts';
import { barGauge, stat, stateTimeline, table, timeSeries } from './panels.ts';
import { alarmStates, ofAssets, ofSites, ratios } from './promql.ts';
import { asset, site } from './variables.ts';

const perAlarm = '"site", "asset", "rule", "tag"';

const now: Section = {
  title: 'Now',
  panels: [
    stat({
      title: 'Alarms standing',
      description:
        'Alarms and alerts whose condition is there now, acknowledged or not. Anything but 0: open the alarms below and see to the first that was raised.',
      size: [4, 4],
      queries: {
        influxql: [
          {
            query: `SELECT sum("active") FROM (SELECT last("active") AS "active" FROM "fettle_alarm" WHERE ${upToNow} AND ${ofAsset} GROUP BY ${perAlarm})`,
            alias: 'standing',
          },
        ],
        promql: [{ expr: `count((${alarmStates(ofAssets)}) <= 2) or vector(0)`, legend: 'standing', instant: true }],
      },
      field: { thresholds: noneIsWell, noValue: '0' },
    }),
    stat({
      title: 'Highest score',
      description:
        'The newest score of each asset over its limit; the highest of them. 1 is the limit: above it, the machine does not behave as it learnt to.',
      size: [4, 4],
      queries: {
        influxql: [
          {
            query: `SELECT max("ratio") FROM (SELECT last("ratio") AS "ratio" FROM "fettle_score" WHERE $timeFilter AND ${ofAsset} GROUP BY "site", "asset")`,
            alias: 'score / limit',
          },
        ],
        promql: [{ expr: `max(fettle_score_ratio{${ofAssets}})`, legend: 'score / limit', instant: true }],
      },
      field: { thresholds: ratioSteps, decimals: 2 },
    }),
    stat({
      title: 'Assets scored',
      description:
        'Assets with a score in the last 15 minutes of the range. Fewer than there are: one is not watched; see the gateway dashboard.',
      size: [4, 4],
      queries: {
        influxql: [
          {
            query: `SELECT count("ratio") FROM (SELECT last("ratio") AS "ratio" FROM "fettle_score" WHERE time >= \${__to}ms - 15m AND time <= \${__to}ms AND ${ofAsset} GROUP BY "site", "asset")`,
            alias: 'assets',
          },
        ],
        promql: [
          {
            expr: `count(time() - max by (site, asset) (fettle_asset_scored_timestamp_seconds{${ofAssets}}) < 900) or vector(0)`,
            legend: 'assets',
            instant: true,
          },
        ],
      },
      field: { thresholds: steps('red', [1, 'green']), noValue: '0' },
    }),
    stat({
      title: 'Samples per second',
      description: 'What the gateway takes in. Falls to 0 when sources are silent or the gateway is away.',
      size: [4, 4],
      interval: '10s',
      graph: true,
      queries: {
        influxql: [
          {
            query: `SELECT count("value") / ($__interval_ms / 1000.0) FROM "fettle_sample" WHERE $timeFilter AND ${ofSite} GROUP BY time($__interval) fill(0)`,
            alias: 'samples',
          },
        ],
        promql: [{ expr: `sum(rate(fettle_samples_total{${ofSites}}[$__rate_interval]))`, legend: 'samples' }],
      },
      field: { unit: 'ops', decimals: 1, thresholds: steps('green') },
    }),
    stat({
      title: 'Newest data',
      description: 'When the newest score was made. Older than a few minutes: the gateway or its link to the store is away.',
      size: [4, 4],
      fields: '/^(Time|newest)$/',
      queries: {
        influxql: [
          { query: `SELECT "ratio" FROM "fettle_score" WHERE $timeFilter AND ${ofAsset} ORDER BY time DESC LIMIT 1`, table: true },
        ],
        promql: [{ expr: `max(fettle_asset_scored_timestamp_seconds{${ofAssets}}) * 1000`, legend: 'newest', instant: true }],
      },
      field: { unit: 'dateTimeFromNow', thresholds: steps('text') },
    }),
    stat({
      title: 'Gateways well',
      description: '1 while sources, sinks and journal of a gateway are all well. 0: open the gateway dashboard, which says what is not.',
      size: [4, 4],
      queries: { promql: [{ expr: `min by (site) (fettle_gateway_healthy{${ofSites}})`, legend: '{{site}}', instant: true }] },
      field: { mappings: yesNo('well', 'degraded'), thresholds: steps('red', [1, 'green']) },
    }),
  ],
};

const scores = (family: Family): Section => ({
  title: 'Scores',
  panels: [
    timeSeries({
      title: 'Score over limit',
      description:
        'How unlike what was learnt each asset behaves, as share of its limit; the highest value of each interval, so no peak is lost. The red line at 1 is the limit. Click a line for the asset.',
      size: [16, 9],
      interval: '5s',
      queries: {
        influxql: [
          {
            query: `SELECT max("ratio") FROM "fettle_score" WHERE $timeFilter AND ${ofAsset} GROUP BY time($__interval), "site", "asset" fill(none)`,
            alias: '$tag_site $tag_asset',
          },
        ],
        promql: [
          { expr: `max by (site, asset) (max_over_time(fettle_score_ratio{${ofAssets}}[$__rate_interval]))`, legend: '{{site}} {{asset}}' },
        ],
      },
      field: { min: 0, decimals: 2, thresholds: steps('transparent', [1, 'red']), links: seriesLinks(family) },
      style: { thresholdsStyle: { mode: 'line' } },
      legendCalcs: ['lastNotNull', 'max'],
    }),
    barGauge({
      title: 'Score over limit, newest',
      description: 'Assets by their newest score. Red is above the limit.',
      size: [8, 9],
      queries: {
        influxql: [
          {
            query: `SELECT last("ratio") FROM "fettle_score" WHERE $timeFilter AND ${ofAsset} GROUP BY "site", "asset"`,
            alias: '$tag_asset',
          },
        ],
        promql: [{ expr: `sort_desc(${ratios(ofAssets)})`, legend: '{{asset}}', instant: true }],
      },
      field: { min: 0, max: 2, decimals: 2, thresholds: ratioSteps, links: seriesLinks(family) },
    }),
    table({
      title: 'Assets',
      description: 'Newest and highest score over limit in the range. Click an asset for its dashboard or its page on the gateway.',
      size: [24, 8],
      sortBy: { displayName: 'highest', desc: true },
      queries: {
        influxql: [
          {
            query: `SELECT last("ratio") AS "newest", max("ratio") AS "highest", mean("ratio") AS "mean", last("limit") AS "limit" FROM "fettle_score" WHERE $timeFilter AND ${ofAsset} GROUP BY "site", "asset", "model"`,
            table: true,
          },
        ],
        promql: [
          { expr: ratios(ofAssets), table: true },
          { expr: `max by (site, asset) (max_over_time(fettle_score_ratio{${ofAssets}}[$__range]))`, table: true },
        ],
      },
      field: { decimals: 2 },
      overrides: [
        { matcher: { id: 'byName', options: 'asset' }, properties: [{ id: 'links', value: rowLinks(family) }] },
        {
          matcher: { id: 'byRegexp', options: '^(newest|highest)$' },
          properties: [
            { id: 'thresholds', value: ratioSteps },
            { id: 'custom.cellOptions', value: { type: 'color-text' } },
          ],
        },
      ],
      transformations: {
        influxql: [{ id: 'organize', options: { excludeByName: { Time: true }, renameByName: {}, indexByName: {} } }],
        promql: [
          { id: 'merge', options: {} },
          {
            id: 'organize',
            options: { excludeByName: { Time: true }, renameByName: { 'Value #A': 'newest', 'Value #B': 'highest' }, indexByName: {} },
          },
        ],
      },
    }),
  ],
});

const alarms = (family: Family): Section => ({
  title: 'Alarms',
  panels: [
    stateTimeline({
      title: 'States of alarms',
      description:
        'Each alarm that has not always been normal, with its ISA-18.2 state: red wants somebody, orange somebody has acknowledged, yellow is over and nobody has seen it, blue is kept back on purpose. No bar: normal.',
      size: [24, 9],
      queries: {
        influxql: [
          {
            query: `SELECT "state" FROM "fettle_alarm" WHERE ${upToNow} AND ${ofAsset} GROUP BY ${perAlarm}`,
            alias: '$tag_asset $tag_rule $tag_tag',
          },
        ],
        promql: [{ expr: alarmStates(ofAssets), legend: '{{asset}} {{rule}} {{tag}}' }],
      },
      field: { mappings: family === 'influxql' ? stateWords : stateCodes, links: seriesLinks(family) },
    }),
    table({
      title: 'What happened last',
      description: 'The newest changes of state, with what the gateway said of them and who acted.',
      size: [24, 8],
      sortBy: { displayName: 'Time', desc: true },
      queries: {
        influxql: [
          {
            query: `SELECT "asset", "rule", "tag", "from", "to", "priority", "message", "by" FROM "fettle_alarm" WHERE $timeFilter AND ${ofAsset} ORDER BY time DESC LIMIT 100`,
            table: true,
          },
        ],
      },
      overrides: [changeWords, { matcher: { id: 'byName', options: 'message' }, properties: [{ id: 'custom.width', value: 600 }] }],
    }),
  ],
});

export const overview: DashboardSpec = {
  name: 'overview',
  title: 'overview',
  description: 'All assets of one or several sites: which behave unlike what was learnt, and which alarms stand.',
  from: 'now-6h',
  many: true,
  variables: (family) => [site(family, true), asset(family, true)],
  sections: (family) => [now, scores(family), alarms(family)],
};
