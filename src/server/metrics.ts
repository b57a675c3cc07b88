import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { alarmStates, watchingWords } from '../core/alarm.ts';
import { autonomyMs } from '../gateway/autonomy.ts';
import { sourceLevels } from '../gateway/source-rates.ts';
import type { GatewayStatus } from '../gateway/status.ts';
import type { StorageForecast } from '../gateway/storage-forecast.ts';

type Labels = Readonly<Record<string, string>>;
type Value = readonly [value: number, labels?: Labels];

interface Family {
  readonly name: string;
  readonly help: string;
  /** Only ever grows, but for a restart. */
  readonly counts?: boolean;
  readonly labels?: readonly string[];
  readonly values: (now: Now) => readonly Value[];
}

/** What is shown at a scrape. */
interface Now {
  readonly status: GatewayStatus;
  readonly storage: StorageForecast;
  /** Score over limit, by asset. */
  readonly ratios: ReadonlyMap<string, number>;
  /** End of the newest window scored, event time, by asset. */
  readonly scoredMs: ReadonlyMap<string, number>;
}

const isUp = (state: string): number => Number(state === 'good');
const sources = ({ status }: Now) => Object.entries(status.sources);
const sinks = ({ status }: Now) => Object.entries(status.sinks);

const counted = (name: string, help: string, of: (counters: GatewayStatus['counters']) => number): Family => ({
  name,
  help,
  counts: true,
  values: ({ status }) => [[of(status.counters)]],
});

const counting = (name: string, help: string, of: (journal: GatewayStatus['journal']) => number): Family => ({
  name,
  help,
  counts: true,
  values: ({ status }) => [[of(status.journal)]],
});

/** Names and units as Prometheus has them: base units, `_total` on what counts. */
const families: readonly Family[] = [
  {
    name: 'fettle_gateway_info',
    help: 'Version of the gateway; always 1.',
    labels: ['version'],
    values: ({ status: { version } }) => [[1, { version }]],
  },
  {
    name: 'fettle_gateway_healthy',
    help: '1 while sources, sinks and journal are all well.',
    values: ({ status }) => [[isUp(status.state)]],
  },
  counted('fettle_samples_total', 'Samples taken in.', ({ samples }) => samples),
  counted('fettle_samples_bad_total', 'Samples of bad quality.', ({ badSamples }) => badSamples),
  counted('fettle_samples_late_total', 'Samples that came after their window had closed; kept, not scored.', ({ late }) => late),
  counted('fettle_samples_duplicate_total', 'Samples that were there already.', ({ duplicates }) => duplicates),
  counted('fettle_samples_refused_total', 'Samples of tags beyond the number a gateway takes.', ({ refusedTags }) => refusedTags),
  counted('fettle_windows_total', 'Windows formed.', ({ windows }) => windows),
  counted('fettle_scores_total', 'Windows scored.', ({ scores }) => scores),
  counted('fettle_scoring_errors_total', 'Windows the model runtime could not score.', ({ scoringErrors }) => scoringErrors),
  counted('fettle_alarms_raised_total', 'Alarms raised.', ({ raised }) => raised),
  counted('fettle_alarms_cleared_total', 'Alarms that ended.', ({ cleared }) => cleared),
  counted('fettle_alarms_withdrawn_total', 'Alarms taken back after a crash.', ({ withdrawn }) => withdrawn),
  {
    name: 'fettle_windows_invalid_total',
    help: 'Windows without a score, by reason.',
    counts: true,
    labels: ['reason'],
    values: ({ status }) => Object.entries(status.counters.invalidWindows).map(([reason, count]): Value => [count, { reason }]),
  },
  {
    name: 'fettle_asset_alarm_active',
    help: '1 while an alarm of the asset stands.',
    labels: ['asset'],
    values: ({ status }) => status.assets.map(({ asset, state }): Value => [Number(state === 'active'), { asset }]),
  },
  {
    name: 'fettle_asset_alarm_state',
    help: `State of each alarm that is not normal: ${alarmStates.flatMap((state, code) => (code === 0 ? [] : [`${code} ${state}`])).join(', ')}.`,
    labels: ['asset', 'rule', 'tag'],
    values: ({ status }) =>
      status.assets.flatMap(({ asset, alarms }) =>
        alarms.map(({ rule, tag, state }): Value => [alarmStates.indexOf(state), { asset, rule, tag: tag ?? '-' }]),
      ),
  },
  {
    name: 'fettle_asset_watching',
    help: 'Whether the asset is watched: 1 at the word that holds.',
    labels: ['asset', 'watching'],
    values: ({ status }) =>
      status.assets.flatMap(({ asset, watching }) =>
        watchingWords.map((word): Value => [Number(word === watching), { asset, watching: word }]),
      ),
  },
  {
    name: 'fettle_score_ratio',
    help: 'Newest score of the asset over its limit; above 1 is abnormal.',
    labels: ['asset'],
    values: ({ ratios }) => [...ratios].map(([asset, ratio]): Value => [ratio, { asset }]),
  },
  {
    name: 'fettle_asset_scored_timestamp_seconds',
    help: 'End of the newest window of the asset that was scored, in the time of its samples.',
    labels: ['asset'],
    values: ({ scoredMs }) => [...scoredMs].map(([asset, atMs]): Value => [atMs / 1000, { asset }]),
  },
  {
    name: 'fettle_source_up',
    help: '1 while everything of the source answers.',
    labels: ['source'],
    values: (now) => sources(now).map(([source, { state }]): Value => [isUp(state), { source }]),
  },
  {
    name: 'fettle_source_unit_up',
    help: '1 while the unit, device or connection answers.',
    labels: ['source', 'unit'],
    values: (now) =>
      sources(now).flatMap(([source, { units }]) => units.map(({ name, state }): Value => [isUp(state), { source, unit: name }])),
  },
  {
    name: 'fettle_source_unit_last_good_timestamp_seconds',
    help: 'When the unit, device or connection last gave a good answer; absent until it has.',
    labels: ['source', 'unit'],
    values: (now) =>
      sources(now).flatMap(([source, { units }]) =>
        units.flatMap(({ name, lastGoodMs }): Value[] => (lastGoodMs === undefined ? [] : [[lastGoodMs / 1000, { source, unit: name }]])),
      ),
  },
  {
    name: 'fettle_source_events_total',
    help: 'What a source counted: messages, timeouts, rejected payloads …',
    counts: true,
    labels: ['source', 'event'],
    values: (now) =>
      sources(now).flatMap(([source, { counters }]) =>
        Object.entries(counters).flatMap(([event, count]): Value[] => (sourceLevels.has(event) ? [] : [[count, { source, event }]])),
      ),
  },
  {
    name: 'fettle_source_level',
    help: 'Of a source, what goes up and down: topics it knows, clients that are away, values set aside, messages not acknowledged yet.',
    labels: ['source', 'level'],
    values: (now) =>
      sources(now).flatMap(([source, { counters }]) =>
        Object.entries(counters).flatMap(([level, count]): Value[] => (sourceLevels.has(level) ? [[count, { source, level }]] : [])),
      ),
  },
  {
    name: 'fettle_source_jitter_seconds',
    help: 'How much later than due the polls of a source begin, by quantile; absent where nothing is polled.',
    labels: ['source', 'quantile'],
    values: (now) =>
      sources(now).flatMap(([source, { jitterMs }]): Value[] =>
        jitterMs === undefined
          ? []
          : [
              [jitterMs.p50 / 1000, { source, quantile: '0.5' }],
              [jitterMs.p99 / 1000, { source, quantile: '0.99' }],
            ],
      ),
  },
  {
    name: 'fettle_source_polls_left_out_total',
    help: 'Polls not begun, because the one before, or the gateway, was not done.',
    counts: true,
    labels: ['source', 'unit'],
    values: (now) =>
      sources(now).flatMap(([source, { units }]) =>
        units.flatMap(({ name, polls }): Value[] => (polls === undefined ? [] : [[polls.leftOut, { source, unit: name }]])),
      ),
  },
  {
    name: 'fettle_sink_up',
    help: '1 while the sink takes what it is sent.',
    labels: ['sink'],
    values: (now) => sinks(now).map(([sink, { delivery }]): Value => [Number(delivery.link.up), { sink }]),
  },
  {
    name: 'fettle_outbox_points',
    help: 'Points that wait for a sink.',
    labels: ['sink', 'lane'],
    values: (now) =>
      sinks(now).flatMap(([sink, { delivery }]) =>
        Object.entries(delivery.lanes).map(([lane, { points }]): Value => [points, { sink, lane }]),
      ),
  },
  {
    name: 'fettle_outbox_oldest_seconds',
    help: 'Age of the oldest that waits for a sink.',
    labels: ['sink'],
    values: (now) => sinks(now).map(([sink, { delivery }]): Value => [(delivery.oldestAgeMs ?? 0) / 1000, { sink }]),
  },
  {
    name: 'fettle_delivered_points_total',
    help: 'Points a sink has confirmed.',
    counts: true,
    labels: ['sink'],
    values: (now) => sinks(now).map(([sink, { delivery }]): Value => [delivery.counters.delivered, { sink }]),
  },
  {
    name: 'fettle_rejected_points_total',
    help: 'Points a sink refused for good; they are in quarantine.',
    counts: true,
    labels: ['sink'],
    values: (now) => sinks(now).map(([sink, { delivery }]): Value => [delivery.counters.rejected, { sink }]),
  },
  {
    name: 'fettle_delivery_retries_total',
    help: 'Deliveries to a sink that did not go through and were tried again.',
    counts: true,
    labels: ['sink'],
    values: (now) => sinks(now).map(([sink, { delivery }]): Value => [delivery.counters.retried, { sink }]),
  },
  counting('fettle_journal_commits_total', 'Commits to the journal.', ({ commits }) => commits),
  counting('fettle_journal_failed_commits_total', 'Commits the disk refused.', ({ failedCommits }) => failedCommits),
  counting(
    'fettle_journal_unkept_samples_total',
    'Samples acknowledged without being kept, since the disk was full.',
    ({ unkeptSamples }) => unkeptSamples,
  ),
  counting(
    'fettle_journal_dropped_results_total',
    'Scores and outbox entries that were not kept, since the disk was full.',
    (journal) => journal.droppedRows,
  ),
  {
    name: 'fettle_journal_commit_seconds',
    help: 'How long the newest commit took.',
    values: ({ status }) => [[status.journal.commitMs / 1000]],
  },
  { name: 'fettle_journal_disk_full', help: '1 while nothing can be kept.', values: ({ status }) => [[Number(status.journal.diskFull)]] },
  { name: 'fettle_journal_bytes', help: 'Size of the journal.', values: ({ storage }) => [[storage.bytes]] },
  { name: 'fettle_disk_free_bytes', help: 'Free on the disk of the journal.', values: ({ storage }) => [[storage.freeBytes]] },
  {
    name: 'fettle_journal_history_seconds',
    help: 'How far back the journal will reach at the present rate; absent until there is a minute of it.',
    values: ({ storage }) => (storage.daysOfHistory === null ? [] : [[storage.daysOfHistory * 86_400]]),
  },
  {
    name: 'fettle_autonomy_seconds',
    help: 'How long the sinks may stay away from now before the first that is unsent is dropped, at the present rate and less what waits; absent until there is a minute of it.',
    values: ({ storage }) => {
      const ms = autonomyMs(storage);
      return ms === undefined ? [] : [[ms / 1000]];
    },
  },
];

/** Of prom-client's own, those that are gauges and end in `_total`; the same numbers are there by kind. */
const misnamed = ['nodejs_active_resources_total', 'nodejs_active_handles_total', 'nodejs_active_requests_total'];

/** `/metrics`, made from the status at each scrape. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #families = families.map((family) => {
    const settings = { name: family.name, help: family.help, labelNames: [...(family.labels ?? [])], registers: [this.#registry] };
    return { family, metric: family.counts === true ? new Counter(settings) : new Gauge(settings) };
  });

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
    for (const name of misnamed) this.#registry.removeSingleMetric(name);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** One scrape at a time: the values are the registry's. Every series says its site, as every point the sinks write does. */
  async scrape(now: Now): Promise<string> {
    this.#registry.setDefaultLabels({ site: now.status.site });
    for (const { family, metric } of this.#families) {
      metric.reset();
      // Without labels a reset leaves a zero behind.
      if (family.labels === undefined && family.values(now).length === 0) metric.remove();
      for (const [value, labels] of family.values(now)) metric.inc({ ...labels }, value);
    }
    return this.#registry.metrics();
  }
}
