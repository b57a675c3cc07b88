import { changeWords, noneIsWell, stateCodes, stateWords, steps } from './colours.ts';
import type { DashboardSpec } from './dashboard.ts';
import type { Family } from './family.ts';
import { ofAsset, upToNow } from './influxql.ts';
import type { Section } from './layout.ts';
import { rowLinks, seriesLinks, toGatewayAlarms } from './links.ts';
import { stat, stateTimeline, table, timeSeries } from './panels.ts';
import { alarmStates, ofAssets, ofSites } from './promql.ts';
import { asset, site } from './variables.ts';

const perAlarm = '"site", "asset", "rule", "tag"';
/** In ten minutes, for one operator: ISA-18.2 calls more a flood. */
const flood = 10;

const standing = (family: Family): Section => ({
  title: 'Now',
  panels: [
    stat({
      title: 'Standing',
      description: 'Alarms whose condition is there now.',
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
      title: 'Waiting for somebody',
      description:
        'Alarms nobody has acknowledged: those that stand, those that are over, those that are latched. Acknowledge them on the gateway.',
      size: [4, 4],
      queries: {
        influxql: [
          {
            query: `SELECT count("code") FROM (SELECT last("state_code") AS "code" FROM "fettle_alarm" WHERE ${upToNow} AND ${ofAsset} GROUP BY ${perAlarm}) WHERE "code" = 1 OR "code" = 3 OR "code" = 4`,
            alias: 'waiting',
          },
        ],
        promql: [
          {
            expr: `count((${alarmStates(ofAssets)} == 1) or (${alarmStates(ofAssets)} == 3) or (${alarmStates(ofAssets)} == 4)) or vector(0)`,
            legend: 'waiting',
            instant: true,
          },
        ],
      },
      field: { thresholds: noneIsWell, noValue: '0' },
    }),
    stat({
      title: 'Raised in the range',
      description: 'How often an alarm began to stand in the chosen time.',
      size: [4, 4],
      queries: {
        influxql: [{ query: `SELECT count("title") FROM "fettle_alarm_span" WHERE $timeFilter AND ${ofAsset}`, alias: 'raised' }],
        promql: [{ expr: `sum(increase(fettle_alarms_raised_total{${ofSites}}[$__range]))`, legend: 'raised', instant: true }],
      },
      field: { decimals: 0, thresholds: steps('text'), noValue: '0' },
    }),
    stat({
      title: 'Raised per hour',
      description:
        'Averaged over the range. About six in an hour are what one operator can answer; more for long hides the ones that matter.',
      size: [4, 4],
      queries: {
        influxql: [
          {
            query: `SELECT mean("raised") FROM (SELECT count("title") AS "raised" FROM "fettle_alarm_span" WHERE $timeFilter AND ${ofAsset} GROUP BY time(1h) fill(0))`,
            alias: 'per hour',
          },
        ],
        promql: [
          {
            expr: `sum(increase(fettle_alarms_raised_total{${ofSites}}[$__range])) * 3600 / $__range_s`,
            legend: 'per hour',
            instant: true,
          },
        ],
      },
      field: { decimals: 1, thresholds: steps('green', [6, 'yellow'], [12, 'red']), noValue: '0' },
    }),
    table({
      title: 'Not normal now',
      description: 'What stands, waits or is kept back. Click for the asset; acknowledge, shelve and mark on the gateway.',
      size: [24, 8],
      queries: {
        influxql: [
          {
            query: `SELECT "state", "priority", "message" FROM (SELECT last("state_code") AS "code", "state", "priority", "message" FROM "fettle_alarm" WHERE ${upToNow} AND ${ofAsset} GROUP BY ${perAlarm}) WHERE "code" > 0 GROUP BY ${perAlarm}`,
            table: true,
          },
        ],
        promql: [{ expr: alarmStates(ofAssets), table: true }],
      },
      overrides: [
        { matcher: { id: 'byName', options: 'asset' }, properties: [{ id: 'links', value: [...rowLinks(family), toGatewayAlarms] }] },
        {
          matcher: { id: 'byName', options: 'state' },
          properties: [
            { id: 'mappings', value: stateWords },
            { id: 'custom.cellOptions', value: { type: 'color-background' } },
          ],
        },
        {
          matcher: { id: 'byName', options: 'Value' },
          properties: [
            { id: 'displayName', value: 'state' },
            { id: 'mappings', value: stateCodes },
            { id: 'custom.cellOptions', value: { type: 'color-background' } },
          ],
        },
        { matcher: { id: 'byName', options: 'message' }, properties: [{ id: 'custom.width', value: 600 }] },
      ],
      transformations: { promql: [{ id: 'organize', options: { excludeByName: { Time: true }, renameByName: {}, indexByName: {} } }] },
    }),
  ],
});

const history = (family: Family): Section => ({
  title: 'In the range',
  panels: [
    stateTimeline({
      title: 'States of alarms',
      description:
        'ISA-18.2 states in NAMUR colours: red wants somebody, orange is acknowledged, yellow is over and not acknowledged, blue shelved or suppressed, purple out of service.',
      size: [24, 10],
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
    timeSeries({
      title: 'Raised in ten minutes',
      description: `Alarms that began to stand in each ten minutes. Above the line at ${flood} is a flood: find what they have in common and have it judged once.`,
      size: [24, 7],
      interval: '10m',
      queries: {
        influxql: [
          {
            query: `SELECT count("title") FROM "fettle_alarm_span" WHERE $timeFilter AND ${ofAsset} GROUP BY time(10m) fill(0)`,
            alias: 'raised',
          },
        ],
        promql: [{ expr: `sum by (site) (increase(fettle_alarms_raised_total{${ofSites}}[10m]))`, legend: '{{site}}' }],
      },
      field: { min: 0, decimals: 0, thresholds: steps('transparent', [flood, 'red']) },
      style: { drawStyle: 'bars', fillOpacity: 60, thresholdsStyle: { mode: 'line' } },
    }),
    table({
      title: 'Most often',
      description:
        'Alarms by how often they began to stand. The first few of them are usually most of all alarms: give them a deadband, a delay, or a repair.',
      size: [12, 9],
      sortBy: { displayName: 'raised', desc: true },
      queries: {
        influxql: [
          {
            query: `SELECT count("title") AS "raised" FROM "fettle_alarm_span" WHERE $timeFilter AND ${ofAsset} GROUP BY ${perAlarm}`,
            table: true,
          },
        ],
      },
      overrides: [{ matcher: { id: 'byName', options: 'asset' }, properties: [{ id: 'links', value: rowLinks(family) }] }],
      transformations: {
        influxql: [{ id: 'organize', options: { excludeByName: { Time: true }, renameByName: {}, indexByName: {} } }],
      },
    }),
    table({
      title: 'Longest',
      description:
        'When each alarm began to stand and when it ended (empty: it still stands). Long ones are stale: mend, shelve, or change the limit.',
      size: [12, 9],
      sortBy: { displayName: 'Time', desc: true },
      queries: {
        influxql: [
          {
            query: `SELECT "asset", "title", "priority", "time_end" AS "until", "text" FROM "fettle_alarm_span" WHERE $timeFilter AND ${ofAsset} ORDER BY time DESC LIMIT 200`,
            table: true,
          },
        ],
      },
      overrides: [{ matcher: { id: 'byName', options: 'until' }, properties: [{ id: 'unit', value: 'dateTimeAsIso' }] }],
    }),
    table({
      title: 'Every change of state',
      description: 'The record of what happened and who acted, newest first.',
      size: [24, 10],
      sortBy: { displayName: 'Time', desc: true },
      queries: {
        influxql: [
          {
            query: `SELECT "asset", "rule", "tag", "from", "to", "kind", "priority", "message", "by", "comment" FROM "fettle_alarm" WHERE $timeFilter AND ${ofAsset} ORDER BY time DESC LIMIT 500`,
            table: true,
          },
        ],
      },
      overrides: [changeWords, { matcher: { id: 'byName', options: 'message' }, properties: [{ id: 'custom.width', value: 500 }] }],
    }),
  ],
});

export const alarmsPage: DashboardSpec = {
  name: 'alarms',
  title: 'alarms',
  description: 'What stands and waits, what happened, how often, and which alarms are too many.',
  from: 'now-24h',
  many: true,
  variables: (family) => [site(family, true), asset(family, true)],
  sections: (family) => [standing(family), history(family)],
};
