import { noneIsWell, steps, yesNo } from './colours.ts';
import type { DashboardSpec } from './dashboard.ts';
import { ofSite, upToNow } from './influxql.ts';
import type { Section } from './layout.ts';
import { type PanelDraft, stat, table, timeSeries } from './panels.ts';
import { ofSites } from './promql.ts';
import { site } from './variables.ts';

const hourS = 3600;

/** A small number of /metrics, with what it means. */
const number = (title: string, description: string, expr: string, field: PanelDraft['field'], legend = '{{site}}'): PanelDraft =>
  stat({ title, description, size: [4, 4], queries: { promql: [{ expr, legend, instant: true }] }, ...(field !== undefined && { field }) });

/** A rate or a level of /metrics over time. */
const chart = (
  title: string,
  description: string,
  queries: readonly { expr: string; legend: string }[],
  field: PanelDraft['field'] = {},
): PanelDraft =>
  timeSeries({ title, description, size: [12, 7], interval: '15s', queries: { promql: queries }, field: { min: 0, ...field } });

const seenByTheStore: Section = {
  title: 'What the store sees of the gateway',
  panels: [
    stat({
      title: 'Newest sample',
      description: 'When the newest sample was measured. Older than a few minutes: the gateway, its link, or every source is away.',
      size: [6, 4],
      fields: '/^Time$/',
      queries: {
        influxql: [
          { query: `SELECT "value" FROM "fettle_sample" WHERE $timeFilter AND ${ofSite} ORDER BY time DESC LIMIT 1`, table: true },
        ],
      },
      field: { unit: 'dateTimeFromNow', thresholds: steps('text') },
    }),
    stat({
      title: 'Newest score',
      description: 'When the newest window was judged.',
      size: [6, 4],
      fields: '/^Time$/',
      queries: {
        influxql: [{ query: `SELECT "ratio" FROM "fettle_score" WHERE $timeFilter AND ${ofSite} ORDER BY time DESC LIMIT 1`, table: true }],
      },
      field: { unit: 'dateTimeFromNow', thresholds: steps('text') },
    }),
    stat({
      title: 'Not watched',
      description:
        'Alarms that say an asset or a tag gives nothing to judge: not watched, bad quality, flatline. Not 0: look at the table below.',
      size: [6, 4],
      queries: {
        influxql: [
          {
            query: `SELECT sum("active") FROM (SELECT last("active") AS "active" FROM "fettle_alarm" WHERE ${upToNow} AND ${ofSite} AND "rule" =~ /^(notWatched|badQuality|flatline)$/ GROUP BY "site", "asset", "rule", "tag")`,
            alias: 'alarms',
          },
        ],
      },
      field: { thresholds: noneIsWell, noValue: '0' },
    }),
    stat({
      title: 'Samples that are not good',
      description: 'Samples of bad or uncertain quality in the range.',
      size: [6, 4],
      queries: { influxql: [{ query: `SELECT count("quality") FROM "fettle_sample" WHERE $timeFilter AND ${ofSite}`, alias: 'samples' }] },
      field: { thresholds: steps('green', [1, 'yellow']), noValue: '0' },
    }),
    timeSeries({
      title: 'Samples that arrive',
      description:
        'Samples in each interval, by site. A hole is a time in which the gateway was away and has not sent afterwards what it kept, or nothing was measured.',
      size: [12, 7],
      interval: '10s',
      queries: {
        influxql: [
          {
            query: `SELECT count("value") FROM "fettle_sample" WHERE $timeFilter AND ${ofSite} GROUP BY time($__interval), "site" fill(0)`,
            alias: '$tag_site',
          },
        ],
      },
      field: { min: 0, unit: 'short' },
    }),
    timeSeries({
      title: 'Windows judged',
      description: 'Scores in each interval, by asset. An asset that falls to 0 is stopped, not watched, or without a model.',
      size: [12, 7],
      interval: '10s',
      queries: {
        influxql: [
          {
            query: `SELECT count("ratio") FROM "fettle_score" WHERE $timeFilter AND ${ofSite} GROUP BY time($__interval), "asset" fill(0)`,
            alias: '$tag_asset',
          },
        ],
      },
      field: { min: 0, unit: 'short' },
    }),
    timeSeries({
      title: 'Samples that are not good, by tag',
      description: 'Which sensors, lines or devices give bad or uncertain values.',
      size: [24, 7],
      interval: '10s',
      queries: {
        influxql: [
          {
            query: `SELECT count("quality") FROM "fettle_sample" WHERE $timeFilter AND ${ofSite} GROUP BY time($__interval), "tag" fill(none)`,
            alias: '$tag_tag',
          },
        ],
      },
      field: { min: 0, unit: 'short' },
      style: { drawStyle: 'bars', fillOpacity: 60, stacking: { mode: 'normal', group: 'A' } },
    }),
    table({
      title: 'Tags',
      description: 'When each tag was last heard in the range, oldest first. One far behind the others: its sensor, line or address.',
      size: [24, 9],
      sortBy: { displayName: 'Time', desc: false },
      queries: {
        influxql: [
          {
            query: `SELECT last("value") AS "newest value" FROM "fettle_sample" WHERE $timeFilter AND ${ofSite} GROUP BY "site", "tag"`,
            table: true,
          },
        ],
      },
    }),
  ],
};

const wellness: Section = {
  title: 'How it does',
  panels: [
    number('Gateway', 'Well while sources, sinks and journal all are.', `min by (site) (fettle_gateway_healthy{${ofSites}})`, {
      mappings: yesNo('well', 'degraded'),
      thresholds: steps('red', [1, 'green']),
    }),
    number(
      'Runs since',
      'Time since the process began. Short again and again: see its log for why it ends.',
      `time() - max by (site) (process_start_time_seconds{${ofSites}})`,
      {
        unit: 's',
        thresholds: steps('text'),
      },
    ),
    number(
      'Version',
      'The version that runs.',
      `max by (site, version) (fettle_gateway_info{${ofSites}})`,
      { mappings: yesNo(' ', ' '), thresholds: steps('text') },
      '{{version}}',
    ),
    number(
      'Autonomy',
      'How long the link to the sinks may be away before the first unsent sample is dropped, at the present rate. Known after an hour. Little: a larger journal.maxBytes or disk.',
      `min by (site) (fettle_autonomy_seconds{${ofSites}})`,
      { unit: 's', thresholds: steps('red', [24 * hourS, 'yellow'], [72 * hourS, 'green']), noValue: 'after an hour' },
    ),
    number('Oldest unsent', 'Age of the oldest point that waits for a sink.', `max by (site) (fettle_outbox_oldest_seconds{${ofSites}})`, {
      unit: 's',
      thresholds: steps('green', [300, 'yellow'], [hourS, 'red']),
    }),
    number('Disk free', 'Free on the disk of the journal.', `min by (site) (fettle_disk_free_bytes{${ofSites}})`, {
      unit: 'bytes',
      thresholds: steps('red', [1e9, 'yellow'], [5e9, 'green']),
    }),
  ],
};

const sourcesSection: Section = {
  title: 'Sources',
  panels: [
    chart(
      'Samples taken in',
      'Samples a second; bad ones and late ones beside them.',
      [
        { expr: `sum by (site) (rate(fettle_samples_total{${ofSites}}[$__rate_interval]))`, legend: '{{site}} samples' },
        { expr: `sum by (site) (rate(fettle_samples_bad_total{${ofSites}}[$__rate_interval]))`, legend: '{{site}} bad' },
        { expr: `sum by (site) (rate(fettle_samples_late_total{${ofSites}}[$__rate_interval]))`, legend: '{{site}} late' },
      ],
      { unit: 'ops' },
    ),
    chart(
      'What sources count',
      'Messages, requests, timeouts, exceptions, rejected payloads a second. Timeouts and exceptions point at a device or a cable, rejected payloads at a sender.',
      [
        {
          expr: `sum by (source, event) (rate(fettle_source_events_total{${ofSites}}[$__rate_interval])) > 0`,
          legend: '{{source}} {{event}}',
        },
      ],
      { unit: 'ops' },
    ),
    timeSeries({
      title: 'Units that answer',
      description: '1 while a unit, device or connection answers.',
      size: [12, 7],
      queries: { promql: [{ expr: `min by (source, unit) (fettle_source_unit_up{${ofSites}})`, legend: '{{source}} {{unit}}' }] },
      field: { min: 0, max: 1, decimals: 0 },
      style: { lineInterpolation: 'stepAfter' },
    }),
    chart(
      'Since the last good answer',
      'Seconds since each unit last gave something good. Grows while it is silent.',
      [
        {
          expr: `time() - max by (source, unit) (fettle_source_unit_last_good_timestamp_seconds{${ofSites}})`,
          legend: '{{source}} {{unit}}',
        },
      ],
      { unit: 's' },
    ),
    chart(
      'How late polls begin',
      'One poll in a hundred begins later than this. Much of the poll period means that a line or a device is too slow for what is asked of it.',
      [
        {
          expr: `max by (source) (fettle_source_jitter_seconds{${ofSites},quantile="0.99"})`,
          legend: '{{source}}',
        },
      ],
      { unit: 's' },
    ),
    chart(
      'Polls left out',
      'Polls a second that were not begun, because the one before, or the gateway, was not done. Poll less often, or fewer values.',
      [
        {
          expr: `sum by (source, unit) (rate(fettle_source_polls_left_out_total{${ofSites}}[$__rate_interval]))`,
          legend: '{{source}} {{unit}}',
        },
      ],
      { unit: 'ops' },
    ),
  ],
};

const judging: Section = {
  title: 'Judging',
  panels: [
    chart(
      'Windows',
      'Windows scored a second, and those without a score, by reason. missing, stale and bad point at sources; filling and settling pass by themselves.',
      [
        { expr: `sum(rate(fettle_scores_total{${ofSites}}[$__rate_interval]))`, legend: 'scored' },
        { expr: `sum by (reason) (rate(fettle_windows_invalid_total{${ofSites}}[$__rate_interval])) > 0`, legend: '{{reason}}' },
        { expr: `sum(rate(fettle_scoring_errors_total{${ofSites}}[$__rate_interval]))`, legend: 'failed' },
      ],
      { unit: 'ops' },
    ),
    chart(
      'Behind',
      'Seconds between now and the end of the newest window that was scored, by asset. Steady is well; growing is a source that is silent or a machine too slow for its work.',
      [{ expr: `time() - max by (asset) (fettle_asset_scored_timestamp_seconds{${ofSites}})`, legend: '{{asset}}' }],
      { unit: 's' },
    ),
    table({
      title: 'Watched',
      description: 'Which assets are watched, and how well.',
      size: [12, 7],
      queries: { promql: [{ expr: `max by (site, asset, watching) (fettle_asset_watching{${ofSites}}) == 1`, table: true }] },
      transformations: {
        promql: [{ id: 'organize', options: { excludeByName: { Time: true, Value: true }, renameByName: {}, indexByName: {} } }],
      },
    }),
    chart(
      'Alarms raised and ended',
      'Raised and cleared in ten minutes.',
      [
        { expr: `sum by (site) (increase(fettle_alarms_raised_total{${ofSites}}[10m]))`, legend: '{{site}} raised' },
        { expr: `sum by (site) (increase(fettle_alarms_cleared_total{${ofSites}}[10m]))`, legend: '{{site}} cleared' },
      ],
      { unit: 'short' },
    ),
  ],
};

const delivery: Section = {
  title: 'Delivery',
  panels: [
    chart(
      'Waiting for sinks',
      'Points in the outbox, by sink and lane. Growing: the sink or the link is away; it is sent afterwards, alarms first.',
      [{ expr: `sum by (sink, lane) (fettle_outbox_points{${ofSites}})`, legend: '{{sink}} {{lane}}' }],
      { unit: 'short' },
    ),
    chart(
      'Delivered',
      'Points a second a sink has confirmed, refused for good, and deliveries tried again.',
      [
        { expr: `sum by (sink) (rate(fettle_delivered_points_total{${ofSites}}[$__rate_interval]))`, legend: '{{sink}} delivered' },
        { expr: `sum by (sink) (rate(fettle_rejected_points_total{${ofSites}}[$__rate_interval]))`, legend: '{{sink}} refused' },
        { expr: `sum by (sink) (rate(fettle_delivery_retries_total{${ofSites}}[$__rate_interval]))`, legend: '{{sink}} tried again' },
      ],
      { unit: 'ops' },
    ),
    timeSeries({
      title: 'Sinks that take what they are sent',
      description: '1 while the sink takes what it is sent.',
      size: [12, 7],
      queries: { promql: [{ expr: `min by (sink) (fettle_sink_up{${ofSites}})`, legend: '{{sink}}' }] },
      field: { min: 0, max: 1, decimals: 0 },
      style: { lineInterpolation: 'stepAfter' },
    }),
    chart(
      'Age of the oldest',
      'Seconds the oldest point has waited for its sink.',
      [{ expr: `max by (sink) (fettle_outbox_oldest_seconds{${ofSites}})`, legend: '{{sink}}' }],
      { unit: 's' },
    ),
  ],
};

const machine: Section = {
  title: 'Journal and process',
  panels: [
    chart(
      'Journal and disk',
      'Size of the journal, and what is free on its disk.',
      [
        { expr: `max by (site) (fettle_journal_bytes{${ofSites}})`, legend: '{{site}} journal' },
        { expr: `min by (site) (fettle_disk_free_bytes{${ofSites}})`, legend: '{{site}} free' },
      ],
      { unit: 'bytes' },
    ),
    chart(
      'Trouble with the disk',
      'Commits refused, samples and results not kept. Anything but 0: free space or mend the disk.',
      [
        {
          expr: `sum by (site) (increase(fettle_journal_failed_commits_total{${ofSites}}[$__rate_interval]))`,
          legend: '{{site}} refused commits',
        },
        {
          expr: `sum by (site) (increase(fettle_journal_unkept_samples_total{${ofSites}}[$__rate_interval]))`,
          legend: '{{site}} samples not kept',
        },
        {
          expr: `sum by (site) (increase(fettle_journal_dropped_results_total{${ofSites}}[$__rate_interval]))`,
          legend: '{{site}} results not kept',
        },
      ],
      { unit: 'short' },
    ),
    chart(
      'Time of a commit',
      'How long the newest commit to the disk took. Seconds: a slow or worn disk.',
      [{ expr: `max by (site) (fettle_journal_commit_seconds{${ofSites}})`, legend: '{{site}}' }],
      { unit: 's' },
    ),
    chart(
      'Processor and memory',
      'Processor time a second, and memory of the process.',
      [
        {
          expr: `sum by (site) (rate(process_cpu_seconds_total{${ofSites}, job=~".*fettle.*"}[$__rate_interval]))`,
          legend: '{{site}} processors',
        },
      ],
      { unit: 'short' },
    ),
    chart(
      'Memory',
      'Memory of the process.',
      [{ expr: `max by (site) (process_resident_memory_bytes{${ofSites}, job=~".*fettle.*"})`, legend: '{{site}}' }],
      { unit: 'bytes' },
    ),
    chart(
      'Delay of the event loop',
      'How long the process was busy at a stretch, 99th percentile. Tenths of seconds again and again: too much for this machine.',
      [{ expr: `max by (site) (nodejs_eventloop_lag_p99_seconds{${ofSites}, job=~".*fettle.*"})`, legend: '{{site}}' }],
      { unit: 's' },
    ),
  ],
};

export const gatewayPage: DashboardSpec = {
  name: 'gateway',
  title: 'gateway health',
  description:
    'Whether the gateway does its work: sources, windows, delivery, disk. In PromQL from /metrics; in InfluxQL from what has arrived in the store.',
  from: 'now-6h',
  many: true,
  annotated: false,
  variables: (family) => [site(family, true)],
  sections: (family) => (family === 'influxql' ? [seenByTheStore] : [wellness, sourcesSection, judging, delivery, machine]),
};
