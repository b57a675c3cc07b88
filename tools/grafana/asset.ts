import { changeWords, ratioSteps, stateCodes, stateWords, steps, yesNo } from './colours.ts';
import type { DashboardSpec } from './dashboard.ts';
import type { Family } from './family.ts';
import { ofAsset, ofTag, upToNow } from './influxql.ts';
import type { Section } from './layout.ts';
import { seriesLinks, toGatewayAlarms } from './links.ts';
import { stat, stateTimeline, table, timeSeries } from './panels.ts';
import { alarmStates, ofOneAsset, ratios } from './promql.ts';
import { asset, site, tag } from './variables.ts';

/** Series that are told apart by their metric's name: only the part behind the last prefix is shown. */
const withoutPrefix = (prefix: string) => ({ id: 'renameByRegex', options: { regex: `^${prefix}(.*)$`, renamePattern: '$1' } });

const judged = (family: Family): Section => ({
  title: 'How it does',
  panels: [
    stat({
      title: 'Score over limit',
      description:
        'The newest score as share of the limit. Above 1 the machine does not behave as it learnt to: the parts of the score below say which tags.',
      size: [4, 4],
      queries: {
        influxql: [{ query: `SELECT last("ratio") FROM "fettle_score" WHERE $timeFilter AND ${ofAsset}`, alias: 'score / limit' }],
        promql: [{ expr: ratios(ofOneAsset), legend: 'score / limit', instant: true }],
      },
      field: { decimals: 2, thresholds: ratioSteps },
    }),
    stat({
      title: 'Highest in the range',
      description: 'The highest score over limit in the chosen time.',
      size: [4, 4],
      queries: {
        influxql: [{ query: `SELECT max("ratio") FROM "fettle_score" WHERE $timeFilter AND ${ofAsset}`, alias: 'score / limit' }],
        promql: [{ expr: `max(max_over_time(fettle_score_ratio{${ofOneAsset}}[$__range]))`, legend: 'score / limit', instant: true }],
      },
      field: { decimals: 2, thresholds: ratioSteps },
    }),
    stat({
      title: 'Model',
      description:
        'The model whose verdicts these are. A new one begins to judge when the gateway has learnt it and somebody, or its rule, puts it in force.',
      size: [8, 4],
      fields: '/^model$/',
      queries: {
        influxql: [
          { query: `SELECT "ratio", "model" FROM "fettle_score" WHERE $timeFilter AND ${ofAsset} ORDER BY time DESC LIMIT 1`, table: true },
        ],
      },
      field: { thresholds: steps('text') },
    }),
    stat({
      title: 'Watched',
      description: 'How well the asset is watched: yes, partly (tags are missing), learning, or no. Not yes: see its page on the gateway.',
      size: [8, 4],
      queries: {
        promql: [{ expr: `max by (watching) (fettle_asset_watching{${ofOneAsset}}) == 1`, legend: '{{watching}}', instant: true }],
      },
      field: { mappings: yesNo(' ', ' '), thresholds: steps('green') },
    }),
    timeSeries({
      title: 'Score over limit',
      description:
        'The highest score of each interval over its limit. The red line at 1 is the limit; red stretches are alarms that stood.',
      size: [24, 8],
      interval: '5s',
      queries: {
        influxql: [
          {
            query: `SELECT max("ratio") FROM "fettle_score" WHERE $timeFilter AND ${ofAsset} GROUP BY time($__interval), "site", "asset", "model" fill(none)`,
            alias: '$tag_model',
          },
        ],
        promql: [
          { expr: `max by (site, asset) (max_over_time(fettle_score_ratio{${ofOneAsset}}[$__rate_interval]))`, legend: '{{asset}}' },
        ],
      },
      field: { min: 0, decimals: 2, thresholds: steps('transparent', [1, 'red']), links: seriesLinks(family) },
      style: { thresholdsStyle: { mode: 'line+area' }, fillOpacity: 10 },
    }),
    timeSeries({
      title: 'Parts of the score',
      description: 'What each tag adds to the score; the parts add up to it. The largest part names the tag to look at first.',
      size: [24, 8],
      interval: '5s',
      queries: {
        influxql: [
          {
            query: `SELECT max(/^contribution_/) FROM "fettle_score" WHERE $timeFilter AND ${ofAsset} GROUP BY time($__interval) fill(none)`,
            alias: '$col',
          },
        ],
        promql: [{ expr: `{__name__=~"fettle_score_contribution_.+", ${ofOneAsset}}`, legend: '{{__name__}}' }],
      },
      field: { min: 0 },
      style: { stacking: { mode: 'normal', group: 'A' }, fillOpacity: 40, lineWidth: 0, showPoints: 'never' },
      transformations: { influxql: [withoutPrefix('max_contribution_')], promql: [withoutPrefix('fettle_score_contribution_')] },
    }),
  ],
});

const alarms = (family: Family): Section => ({
  title: 'Alarms',
  panels: [
    stateTimeline({
      title: 'States of alarms',
      description:
        'Each alarm of the asset with its ISA-18.2 state. Red wants somebody: acknowledge on the gateway, and say afterwards what it was.',
      size: [24, 6],
      queries: {
        influxql: [
          {
            query: `SELECT "state" FROM "fettle_alarm" WHERE ${upToNow} AND ${ofAsset} GROUP BY "site", "asset", "rule", "tag"`,
            alias: '$tag_rule $tag_tag',
          },
        ],
        promql: [{ expr: alarmStates(ofOneAsset), legend: '{{rule}} {{tag}}' }],
      },
      field: { mappings: family === 'influxql' ? stateWords : stateCodes, links: [...seriesLinks(family), toGatewayAlarms] },
    }),
    table({
      title: 'What happened',
      description: 'Changes of state with what was said of them. advice and consequence are what the site wrote for this asset.',
      size: [24, 7],
      sortBy: { displayName: 'Time', desc: true },
      queries: {
        influxql: [
          {
            query: `SELECT "rule", "tag", "from", "to", "ratio", "message", "advice", "by", "comment" FROM "fettle_alarm" WHERE $timeFilter AND ${ofAsset} ORDER BY time DESC LIMIT 200`,
            table: true,
          },
        ],
      },
      overrides: [
        changeWords,
        { matcher: { id: 'byName', options: 'ratio' }, properties: [{ id: 'decimals', value: 2 }] },
        { matcher: { id: 'byName', options: 'message' }, properties: [{ id: 'custom.width', value: 600 }] },
      ],
    }),
  ],
});

const band = [
  {
    matcher: { id: 'byName', options: 'highest' },
    properties: [
      { id: 'custom.fillBelowTo', value: 'lowest' },
      { id: 'custom.fillOpacity', value: 20 },
      { id: 'custom.lineWidth', value: 0 },
      { id: 'color', value: { mode: 'fixed', fixedColor: 'blue' } },
      { id: 'custom.hideFrom', value: { legend: true, tooltip: false, viz: false } },
    ],
  },
  {
    matcher: { id: 'byName', options: 'lowest' },
    properties: [
      { id: 'custom.lineWidth', value: 0 },
      { id: 'color', value: { mode: 'fixed', fixedColor: 'blue' } },
      { id: 'custom.hideFrom', value: { legend: true, tooltip: false, viz: false } },
    ],
  },
  { matcher: { id: 'byName', options: 'value' }, properties: [{ id: 'color', value: { mode: 'fixed', fixedColor: 'blue' } }] },
  {
    matcher: { id: 'byRegexp', options: 'expected' },
    properties: [
      { id: 'displayName', value: 'expected' },
      { id: 'color', value: { mode: 'fixed', fixedColor: 'orange' } },
      { id: 'custom.lineStyle', value: { fill: 'dash', dash: [8, 4] } },
    ],
  },
] as const;

const tags: Section = {
  title: 'Tags: what was measured, and what was expected',
  panels: [
    timeSeries({
      title: '$tag',
      description:
        'Blue: the mean of each interval, with its lowest and highest value as a band. Orange, dashed: what the model expected, where the sink sends it. Where the two part, the machine does not behave as it learnt to.',
      size: [12, 8],
      interval: '1s',
      repeat: 'tag',
      queries: {
        influxql: [
          {
            query: `SELECT mean("value") AS "value", min("value") AS "lowest", max("value") AS "highest" FROM "fettle_sample" WHERE $timeFilter AND ${ofTag} GROUP BY time($__interval) fill(none)`,
            alias: '$col',
          },
          {
            query: `SELECT mean(/^expected_(\${tag:regex})$/) FROM "fettle_score" WHERE $timeFilter AND ${ofAsset} GROUP BY time($__interval) fill(none)`,
            alias: '$col',
          },
          {
            query: `SELECT last("unit") AS "unit" FROM "fettle_sample" WHERE time >= \${__from}ms - 1d AND time <= \${__to}ms AND ${ofTag}`,
            table: true,
          },
        ],
        // Without a window, which VictoriaMetrics then fits to the distance of the samples.
        promql: [
          { expr: 'avg_over_time(fettle_sample_value{site="$site", tag=~"$tag"})', legend: 'value' },
          { expr: 'min_over_time(fettle_sample_value{site="$site", tag=~"$tag"})', legend: 'lowest' },
          { expr: 'max_over_time(fettle_sample_value{site="$site", tag=~"$tag"})', legend: 'highest' },
          { expr: `{__name__=~"fettle_score_expected_($tag)", ${ofOneAsset}}`, legend: 'expected' },
        ],
      },
      overrides: band,
      transformations: {
        influxql: [
          {
            id: 'configFromData',
            options: {
              configRefId: 'C',
              applyTo: { id: 'byType', options: 'number' },
              mappings: [{ fieldName: 'unit', handlerKey: 'unit', reducerId: 'lastNotNull' }],
            },
          },
        ],
      },
    }),
  ],
};

const quality: Section = {
  title: 'Quality of the samples',
  panels: [
    timeSeries({
      title: 'Samples that are not good',
      description: 'Samples of bad or uncertain quality, by tag. A tag that keeps on here is a sensor, a cable or an address to look at.',
      size: [24, 7],
      interval: '10s',
      queries: {
        influxql: [
          {
            query: `SELECT count("quality") FROM "fettle_sample" WHERE $timeFilter AND ${ofTag} GROUP BY time($__interval), "tag" fill(none)`,
            alias: '$tag_tag',
          },
        ],
      },
      field: { min: 0, unit: 'short' },
      style: { drawStyle: 'bars', fillOpacity: 60, stacking: { mode: 'normal', group: 'A' } },
    }),
  ],
};

export const assetPage: DashboardSpec = {
  name: 'asset',
  title: 'asset',
  description:
    'One asset: its score, which tags make it, its alarms, and each tag beside what was expected. In PromQL its tags need VictoriaMetrics with what the influxdb sink sends.',
  from: 'now-6h',
  many: false,
  variables: (family) => [site(family, false), asset(family, false), tag(family)],
  sections: (family) => [judged(family), alarms(family), tags, quality],
};
