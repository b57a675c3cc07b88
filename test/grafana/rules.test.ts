import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { silentLogger } from '../../src/core/logger.ts';
import { LiveEvents } from '../../src/server/live-events.ts';
import { root } from '../house/sources.ts';
import { startGateway } from '../support/gateway.ts';
import { requirePeer } from '../support/peers.ts';
import { startServer } from '../support/server.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const rulesFile = join(root, 'packaging/prometheus/fettle.rules.yml');

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}
const rules = (parse(readFileSync(rulesFile, 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules);

/** promtool's notation: value, step, how often; a sample a minute. */
type Series = Readonly<Record<string, string>>;
interface Case {
  readonly fires: Series;
  readonly quiet: Series;
  /** Minute that is looked at; 50 where nothing is said. */
  readonly at?: number;
}

const s = 'site="north",instance="g:7171",job="fettle"';
const unit = `fettle_source_unit_last_good_timestamp_seconds{${s},source="plc",unit="1"}`;
const waiting = `fettle_outbox_points{${s},sink="cloud",lane="samples"}`;
const scored = `fettle_asset_scored_timestamp_seconds{${s},asset="line1/pump"}`;
const watched = `fettle_asset_watching{${s},asset="line1/pump",watching="yes"}`;
/** Bad or late samples beside all of them. */
const share = (name: string, few: string, many: string): Case => ({
  fires: { [`fettle_samples_total{${s}}`]: '0+100x70', [`${name}{${s}}`]: many },
  quiet: { [`fettle_samples_total{${s}}`]: '0+100x70', [`${name}{${s}}`]: few },
  at: 65,
});
const level = (series: string, bad: string, good: string, at?: number): Case => ({
  fires: { [series]: `${bad}x400` },
  quiet: { [series]: `${good}x400` },
  ...(at !== undefined && { at }),
});
const grown = (series: string): Case => ({ fires: { [series]: '0x40 3x60' }, quiet: { [series]: '3x100' } });

const cases: Readonly<Record<string, Case>> = {
  FettleGatewayDown: {
    fires: { 'up{job="fettle",instance="g:7171"}': '1x40 0x20' },
    quiet: { 'up{job="fettle",instance="g:7171"}': '1x45 0x2 1x20' },
  },
  FettleGatewayRestarts: {
    fires: { 'process_start_time_seconds{job="fettle"}': '0x20 600 1200 1800 2400x30' },
    quiet: { 'process_start_time_seconds{job="fettle"}': '0x20 600x60' },
  },
  FettleDegraded: level(`fettle_gateway_healthy{${s}}`, '0', '1'),
  FettleBusy: level(`nodejs_eventloop_lag_p99_seconds{${s}}`, '0.8', '0.01'),
  FettleNoSamples: { fires: { [`fettle_samples_total{${s}}`]: '0+100x10 1000x60' }, quiet: { [`fettle_samples_total{${s}}`]: '0+1x70' } },
  FettleSourceDegraded: level(`fettle_source_up{${s},source="plc"}`, '0', '1'),
  FettleUnitSilent: { fires: { [unit]: '600x70' }, quiet: { [unit]: '0+60x70' } },
  FettleSamplesBad: share('fettle_samples_bad_total', '0+10x70', '0+30x70'),
  FettleSamplesLate: share('fettle_samples_late_total', '0+2x70', '0+10x70'),
  FettleTagsRefused: grown(`fettle_samples_refused_total{${s}}`),
  FettleAssetNotWatched: level(`fettle_asset_watching{${s},asset="line1/pump",watching="no"}`, '1', '0'),
  FettleAssetPartlyWatched: level(`fettle_asset_watching{${s},asset="line1/pump",watching="partial"}`, '1', '0', 390),
  FettleScoringBehind: {
    fires: { [scored]: '600x70', [watched]: '1x70' },
    // It stands still: suppressed by design.
    quiet: { [scored]: '600x70', [watched]: '1x70', [`fettle_asset_alarm_state{${s},asset="line1/pump",rule="anomaly"}`]: '7x70' },
  },
  FettleScoringFails: {
    fires: { [`fettle_scoring_errors_total{${s}}`]: '0x40 5x30' },
    quiet: { [`fettle_scoring_errors_total{${s}}`]: '5x70' },
  },
  FettleAlarmFlood: {
    fires: { [`fettle_alarms_raised_total{${s}}`]: '0x42 0+3x30' },
    quiet: { [`fettle_alarms_raised_total{${s}}`]: '0x42 4x30' },
  },
  FettleSinkDown: level(`fettle_sink_up{${s},sink="cloud"}`, '0', '1'),
  FettleOutboxOld: level(`fettle_outbox_oldest_seconds{${s},sink="cloud"}`, '7200', '30'),
  FettleOutboxGrowing: { fires: { [waiting]: '60000+1000x120' }, quiet: { [waiting]: '200000-1000x120' }, at: 100 },
  FettlePointsRefused: grown(`fettle_rejected_points_total{${s},sink="cloud"}`),
  FettleDiskFull: level(`fettle_journal_disk_full{${s}}`, '1', '0'),
  FettleDiskLow: level(`fettle_disk_free_bytes{${s}}`, '100000000', '50000000000'),
  FettleCommitsFail: {
    fires: { [`fettle_journal_failed_commits_total{${s}}`]: '0x42 0+1x30' },
    quiet: { [`fettle_journal_failed_commits_total{${s}}`]: '4x70' },
  },
  FettleDataLost: grown(`fettle_journal_unkept_samples_total{${s}}`),
  FettleCommitsSlow: level(`fettle_journal_commit_seconds{${s}}`, '3', '0.004'),
  FettleAutonomyLow: level(`fettle_autonomy_seconds{${s}}`, '3600', '900000'),
};

const promtool = (...args: string[]): { status: number | null; text: string } => {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
  return { status, text: stdout + stderr };
};

describe('the alert rules for Prometheus', () => {
  it('are rules, each with what to do and how urgent it is', ({ skip }) => {
    if (requirePeer('promtool') === undefined) return skip();
    expect(promtool('check', 'rules', rulesFile)).toMatchObject({ status: 0 });
    for (const { alert, labels, annotations } of rules) {
      expect(['critical', 'warning', 'info'], alert).toContain(labels.severity);
      expect(annotations.summary.length, alert).toBeGreaterThan(20);
      expect(annotations.description.length, alert).toBeGreaterThan(40);
    }
  });

  it('are all tried', () => {
    expect(Object.keys(cases).sort()).toEqual(rules.map(({ alert }) => alert).sort());
  });

  it.for(Object.entries(cases))('%s fires in its case, and not in the other', ([alert, { fires, quiet, at = 50 }], { skip }) => {
    if (requirePeer('promtool') === undefined) return skip();
    const test = (series: Series, value: number): object => ({
      interval: '1m',
      input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
      promql_expr_test: [
        {
          expr: `count(ALERTS{alertname="${alert}",alertstate="firing"}) or vector(0)`,
          eval_time: `${at}m`,
          exp_samples: [{ labels: '{}', value }],
        },
      ],
    });
    const file = join(temporaryDirectory(), 'test.yml');
    writeFileSync(file, stringify({ rule_files: [rulesFile], evaluation_interval: '1m', tests: [test(fires, 1), test(quiet, 0)] }));
    expect(promtool('test', 'rules', file)).toMatchObject({ status: 0 });
  });

  it('ask only for what the gateway says, and promtool finds nothing to say of it', async ({ skip }) => {
    if (requirePeer('promtool') === undefined) return skip();
    const gateway = await startGateway({
      site: 'north',
      data: temporaryDirectory(),
      sources: [{ id: 'flow', type: 'http', tags: [{ tag: 'line1/pump/flow' }] }],
      assets: [{ id: 'line1/pump', tags: ['line1/pump/flow'] }],
      sinks: [{ id: 'cloud', type: 'influxdb', url: 'http://127.0.0.1:1' }],
    });
    const server = await startServer(gateway, { live: new LiveEvents(silentLogger) });
    const { secret } = server.access.store.addToken('prometheus', 'viewer', new Date());
    const scrape = await (await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${secret}` } })).text();
    const { status, stderr, stdout } = spawnSync('promtool', ['check', 'metrics'], { input: scrape, encoding: 'utf8' });
    const complaints = `${stdout}${stderr}`.split('\n').filter((line) => line !== '');
    // prom-client's own names of Node's inside stand as they are known everywhere.
    expect(complaints.filter((line) => !/^(nodejs|process)_/.test(line))).toEqual([]);
    expect([0, 3]).toContain(status);
    const said = new Set([...scrape.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name as string));
    const asked = new Set(
      rules.flatMap(({ expr }) => [...expr.matchAll(/\b((?:fettle|nodejs|process)_\w+)/g)].map(([, name]) => name as string)),
    );
    expect([...asked].filter((name) => !said.has(name))).toEqual([]);
  });
});
