import type { AssetAlarmSettings, TagSettings } from '../alarms/settings.ts';
import { sourceOfTag } from '../config/cross-checks.ts';
import { type AssetConfig, type Config, driftDefaults, engineeringUnitOf, type TagConfig } from '../config/schema.ts';
import type { Scorer } from '../core/score.ts';
import { sourceDefinitions } from '../sources/index.ts';
import type { AssetPlan, ColumnPlan } from '../windows/plan.ts';
import { compileRunning } from '../windows/running.ts';
import type { DetectorPlan } from './detection.ts';
import { bindChannels, checkGrid } from './model-binding.ts';
import type { Names } from './names.ts';
import type { PipelinePlan } from './pipeline.ts';

/** Rows behind which nothing of a hole is left, for detectors that make their windows themselves. */
const trackedLength = 10;

/** The scorer of an asset, by asset id; assets without a model are not in it. */
export type ScorersByAsset = ReadonlyMap<string, Scorer>;

/** Configuration and models → what the fold works with. Pure but for interning names. Throws FETTLE_MODEL_MISMATCH. */
export function planPipeline(config: Config, names: Names, scorers: ScorersByAsset): PipelinePlan {
  const batches: Scorer[] = [];
  const windows: AssetPlan[] = [];
  const alarms: AssetAlarmSettings[] = [];
  const detectors: (DetectorPlan | undefined)[] = [];
  for (const asset of config.assets) {
    const scorer = scorers.get(asset.id);
    if (scorer !== undefined && !batches.includes(scorer)) batches.push(scorer);
    const batch = scorer === undefined ? -1 : batches.indexOf(scorer);
    const plan = planAsset(config, asset, names, scorer, batch);
    // A tracking detector takes the rows themselves.
    const tracks = scorer?.detector !== undefined;
    windows.push(tracks ? { ...plan, batch: -1, modelColumns: [] } : plan);
    detectors.push(tracks ? { batch, columns: plan.modelColumns, ...wearOf(asset) } : undefined);
    alarms.push(planAlarms(config, asset, names, scorer));
  }
  return { windows, alarms, scorers: batches, detectors, learning: config.assets.map(({ detector }) => detector?.learn !== undefined) };
}

/** What learns from itself is watched for wear whether asked for or not. */
function wearOf({ detector, window }: AssetConfig): Pick<DetectorPlan, 'wear'> {
  const drift = detector?.drift ?? (detector?.learn === undefined ? undefined : driftDefaults);
  return drift === undefined ? {} : { wear: { deviations: drift.warn, overRows: drift.over / window.step } };
}

function planAsset(config: Config, asset: AssetConfig, names: Names, scorer: Scorer | undefined, batch: number): AssetPlan {
  const { window } = asset;
  const running = runningOf(asset, scorer);
  const tracked = scorer?.detector !== undefined;
  const expression = running === undefined ? undefined : compileRunning(running.when);
  const tags = [...asset.tags, ...(expression?.tags ?? []).filter((tag) => !asset.tags.includes(tag))];
  if (scorer !== undefined) checkGrid(scorer, asset.id, window);
  const channels = scorer === undefined ? [] : bindChannels(scorer.manifest, asset.id, asset.tags, asset.detector?.channels);
  const reads = expression?.tags.map((tag) => tags.indexOf(tag)) ?? [];
  return {
    asset: names.asset.intern(asset.id),
    id: asset.id,
    stepMs: window.step,
    // One length, whatever is learnt: a model that comes or changes leaves the grid and what stands on it as they are.
    length: tracked || asset.detector?.learn !== undefined ? trackedLength : window.length,
    slide: tracked || asset.detector?.learn !== undefined ? 1 : window.slide,
    allowedLatenessMs: window.allowedLateness,
    columns: tags.map((tag) => planColumn(config, tag, names, window.step)),
    modelColumns: channels.map((tag) => tags.indexOf(tag)),
    batch,
    running:
      expression === undefined || running === undefined
        ? undefined
        : { settleMs: running.settle, when: (row) => expression.evaluate(reads.map((column) => row[column] as number)) },
  };
}

/** When the machine runs: as configured, else as its model recognised it. */
function runningOf({ running, detector }: AssetConfig, scorer: Scorer | undefined): AssetConfig['running'] {
  const recognised = detector?.learn?.recogniseStops === true ? scorer?.manifest.running : undefined;
  return running ?? (recognised && { when: recognised.when, settle: recognised.settleMs });
}

function planColumn(config: Config, tag: string, names: Names, stepMs: number): ColumnPlan {
  const source = config.sources[sourceOfTag(config, tag)] as Config['sources'][number];
  const definition = sourceDefinitions.find(({ type }) => type === source.type);
  const pollMs = definition?.pollMsOf(source as never, tag) ?? 0;
  const settings = config.tags[tag];
  return {
    tag: names.tag.intern(tag),
    source: names.source.intern(source.id),
    hold: settings?.hold ?? false,
    maxAgeMs: settings?.maxAge ?? 3 * Math.max(stepMs, pollMs),
  };
}

function planAlarms(config: Config, asset: AssetConfig, names: Names, scorer: Scorer | undefined): AssetAlarmSettings {
  const { alarm } = asset;
  const unitOf = (tag: string): string | null =>
    engineeringUnitOf(config, tag) ?? scorer?.manifest.channels.find((channel) => channel.tag === tag)?.engineeringUnit ?? null;
  return {
    asset: names.asset.intern(asset.id),
    id: asset.id,
    tags: asset.tags,
    units: asset.tags.map(unitOf),
    hasModel: scorer !== undefined,
    provisional: scorer?.manifest.stage === 'provisional',
    learning: asset.detector?.learn !== undefined && scorer === undefined,
    allowedLatenessMs: asset.window.allowedLateness,
    alarm: {
      kind: alarm.kind,
      priority: alarm.priority,
      onDelayMs: alarm.onDelay,
      offDelayMs: alarm.offDelay,
      deadband: alarm.deadband,
      latching: alarm.latching,
      acknowledge: alarm.acknowledge ?? (alarm.kind === 'alert' ? 'automatic' : 'required'),
      notWatchedAfterMs: alarm.notWatchedAfter,
      advice: alarm.advice ?? null,
      consequence: alarm.consequence ?? null,
    },
    supervised: asset.tags.flatMap((tag, column): TagSettings[] => {
      const settings = config.tags[tag];
      return settings === undefined ? [] : superviseTag(tag, column, settings, unitOf(tag));
    }),
  };
}

function superviseTag(tag: string, column: number, settings: TagConfig, engineeringUnit: string | null): TagSettings[] {
  const { limits = {}, flatline, badQuality, deadband, onDelay, offDelay, advice } = settings;
  if (Object.keys(limits).length === 0 && flatline === undefined && badQuality === undefined) return [];
  const largest = Math.max(0, ...Object.values(limits).map((limit) => Math.abs(limit ?? 0)));
  return [
    {
      column,
      tag,
      engineeringUnit,
      limits: Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit !== undefined)),
      deadband: typeof deadband === 'number' ? deadband : (Number.parseFloat(deadband) / 100) * largest,
      onDelayMs: onDelay,
      offDelayMs: offDelay,
      flatlineMs: flatline ?? null,
      badQualityMs: badQuality ?? null,
      advice: advice ?? null,
    },
  ];
}
