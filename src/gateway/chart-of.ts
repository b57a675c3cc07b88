import type { AssetChart } from '../charts/asset-chart.ts';
import type { ChartKeeper, ChartSeries } from '../charts/chart-keeper.ts';
import { alarmSpans, type InvalidRow, invalidSpans } from '../charts/spans.ts';
import { type Config, engineeringUnitOf } from '../config/schema.ts';
import type { AlarmTransition } from '../core/alarm.ts';
import { FettleError } from '../core/errors.ts';
import type { Channel, ModelManifest } from '../core/manifest.ts';
import { invalidReasons } from '../core/window.ts';
import type { Journal } from '../journal/journal.ts';
import { bindChannels } from './model-binding.ts';
import type { Names } from './names.ts';

export interface ChartQuery {
  readonly asset: string;
  /** Event time; the newest the journal has when absent. */
  readonly toMs?: number | undefined;
  readonly lastsMs: number;
  /** Most places on the time axis. */
  readonly points: number;
}

interface Around {
  readonly config: Config;
  readonly journal: Journal;
  readonly names: Names;
  readonly charts: ChartKeeper;
  /** Of the asset's model. */
  manifestOf(asset: string): ModelManifest | undefined;
}

/** Of the asset's transitions, how many are looked at for spans. */
const transitionsBound = 2_000;
/** Rows of the grid that a chart shows at least. */
const leastPlaces = 10;

/** As in the findings of an alarm. */
const toleranceOf = (channel: Channel | undefined): number | null => (channel === undefined ? null : 3 * channel.residualDeviation);
const orNull = (value: number | undefined): number | null => (value === undefined || Number.isNaN(value) ? null : value);

/** Everything a chart of one asset shows. Throws FETTLE_COMMAND_INVALID where there is no such asset. */
export async function assetChart({ config, journal, names, charts, manifestOf }: Around, query: ChartQuery): Promise<AssetChart> {
  const asset = config.assets.find(({ id }) => id === query.asset);
  if (asset === undefined) throw new FettleError('FETTLE_ASSET_UNKNOWN', `there is no asset ${query.asset}`);
  const [bounds] = await journal.query<{ oldest: number | null; newest: number | null }>(
    'SELECT min(first_ms) AS oldest, max(last_ms) AS newest FROM segments',
  );
  const toMs = query.toMs ?? bounds?.newest ?? Date.now();
  // Before the journal begins nothing is known: the places are for what there is.
  const fromMs = Math.max(toMs - query.lastsMs, Math.min(bounds?.oldest ?? 0, toMs - leastPlaces * asset.window.step));
  const index = names.asset.intern(asset.id);
  const tags = asset.tags.map((tag) => names.tag.intern(tag));
  const series = await charts.series(
    { asset: index, tags, fromMs, toMs, points: query.points, gridMs: asset.window.step },
    config.assets.map(({ id }) => names.asset.intern(id)),
  );
  const manifest = manifestOf(asset.id);
  const model = manifest === undefined ? [] : bindChannels(manifest, asset.id, asset.tags, asset.detector?.channels);
  const columns = asset.tags.map((tag) => (model.length === series.channels ? model.indexOf(tag) : -1));
  const places = Array.from({ length: series.points }, (_, i) => i);
  return {
    asset: asset.id,
    fromMs,
    toMs,
    stepMs: series.stepMs,
    timeMs: places.map((i) => series.fromMs + i * series.stepMs),
    channels: asset.tags.map((tag, t) => ({
      tag,
      engineeringUnit: engineeringUnitOf(config, tag),
      min: places.map((i) => orNull(series.min[t]?.[i])),
      mean: places.map((i) => orNull(series.mean[t]?.[i])),
      max: places.map((i) => orNull(series.max[t]?.[i])),
      expected: places.map((i) =>
        (columns[t] as number) < 0 ? null : orNull(series.expected[i * series.channels + (columns[t] as number)]),
      ),
      tolerance: toleranceOf(manifest?.channels[columns[t] as number]),
    })),
    score: { ratio: places.map((i) => orNull(series.ratio[i])), shares: places.map((i) => sharesAt(series, columns, i)) },
    invalid: invalidSpans(await invalidRows(journal, names, index, series, toMs), asset.window.slide * asset.window.step, series.stepMs),
    alarms: alarmSpans(await transitionsTo(journal, index, toMs), fromMs),
    oldestMs: bounds?.oldest ?? null,
    newestMs: bounds?.newest ?? null,
    summedToMs: series.summedToMs,
  };
}

/** Parts of the score that add up to 1, in the order of the asset's tags. */
function sharesAt({ ratio, contributions, channels }: ChartSeries, columns: readonly number[], place: number): number[] | null {
  if (Number.isNaN(ratio[place])) return null;
  const own = columns.map((column) => (column < 0 ? 0 : Math.max(0, contributions[place * channels + column] as number)));
  const sum = own.reduce((total, part) => total + part, 0);
  return own.map((part) => (sum > 0 ? part / sum : 0));
}

/** Of each step at most one row a reason. */
async function invalidRows(
  journal: Journal,
  names: Names,
  asset: number,
  { fromMs, stepMs }: ChartSeries,
  toMs: number,
): Promise<InvalidRow[]> {
  const rows = await journal.query<{ reason: number; tag: number | null; first: number; last: number }>(
    'SELECT reason, min(tag) AS tag, min(end_ms) AS first, max(end_ms) AS last FROM invalid_windows WHERE asset = ? AND end_ms > ? AND end_ms <= ? GROUP BY cast(end_ms / ? AS INTEGER), reason ORDER BY first',
    asset,
    fromMs,
    toMs,
    stepMs,
  );
  return rows.map(({ reason, tag, first, last }) => ({
    reason: invalidReasons[reason] ?? String(reason),
    tag: tag === null ? null : names.tag.nameOf(tag),
    firstMs: first,
    lastMs: last,
  }));
}

async function transitionsTo(journal: Journal, asset: number, toMs: number): Promise<AlarmTransition[]> {
  const rows = await journal.query<{ document: string }>(
    `SELECT document FROM transitions WHERE asset = ? AND at_ms <= ? ORDER BY rowid DESC LIMIT ${transitionsBound}`,
    asset,
    toMs,
  );
  return rows.reverse().map(({ document }) => JSON.parse(document) as AlarmTransition);
}
