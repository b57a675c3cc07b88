import type { AssetAlarmSettings, TagSettings } from '../alarms/settings.ts';
import { sourceOfTag } from '../config/cross-checks.ts';
import { type AssetConfig, type Config, driftDefaults, engineeringUnitOf, type TagConfig } from '../config/schema.ts';
import type { Scorer } from '../core/score.ts';
import { sourceDefinitions } from '../sources/index.ts';
import type { AssetPlan, ColumnPlan } from '../windows/plan.ts';
import { compileRunning } from '../windows/running.ts';
import { ContextNames, modelledOf } from './contexts.ts';
import type { DetectorPlan, DetectorsPlan } from './detection.ts';
import { bindChannels, checkGrid } from './model-binding.ts';
import type { Names } from './names.ts';
import type { PipelinePlan } from './pipeline.ts';

/** Rows behind which nothing of a hole is left, for detectors that make their windows themselves. */
const trackedLength = 10;
/** Rows without a verdict, one after the other, before nobody is said to watch: as long as a last value may stand in for a missing one. */
const fewestUnwatched = 3;

/** By asset id, or by context where it has one (`line1/press@17`); what has no model is not in it. */
export type ScorersByAsset = ReadonlyMap<string, Scorer>;

/** Configuration and models → what the fold works with. Pure but for interning names. Throws FETTLE_MODEL_MISMATCH. */
export function planPipeline(config: Config, names: Names, scorers: ScorersByAsset): PipelinePlan {
  const batches: Scorer[] = [];
  const windows: AssetPlan[] = [];
  const alarms: AssetAlarmSettings[] = [];
  const detectors: DetectorsPlan[] = [];
  const contexts = new ContextNames(config, names);
  for (const asset of config.assets) {
    const own = scorersOf(asset, scorers, contexts);
    for (const { scorer } of own) if (!batches.includes(scorer)) batches.push(scorer);
    const first = own[0]?.scorer;
    const plan = planAsset(config, asset, names, first, first === undefined ? -1 : batches.indexOf(first));
    // A tracking detector takes the rows themselves.
    const tracks = asset.context !== undefined || first?.detector !== undefined;
    windows.push(tracks ? { ...plan, batch: -1, modelColumns: [] } : plan);
    detectors.push({
      detectors: tracks ? own.map((one) => planDetector(asset, plan, names, batches, one)) : [],
      ...(asset.context !== undefined && {
        contextColumn: plan.columns.findIndex(({ tag }) => tag === names.tag.indexOf(asset.context ?? '')),
      }),
    });
    alarms.push({
      ...planAlarms(
        config,
        asset,
        names,
        own.map(({ scorer }) => scorer),
      ),
      ...contextOf(asset, contexts),
    });
  }
  return { windows, alarms, scorers: batches, detectors, learning: config.assets.map(({ detector }) => detector?.learn !== undefined) };
}

interface Modelled {
  readonly scorer: Scorer;
  /** The value of the context it judges. */
  readonly context: number | undefined;
}

/** What judges an asset: one model, or one a context. */
function scorersOf(asset: AssetConfig, scorers: ScorersByAsset, contexts: ContextNames): Modelled[] {
  if (asset.context === undefined) {
    const scorer = scorers.get(asset.id);
    return scorer === undefined ? [] : [{ scorer, context: undefined }];
  }
  const prefix = modelledOf(asset.id, '');
  return [...scorers].flatMap(([modelled, scorer]) =>
    modelled.startsWith(prefix) ? [{ scorer, context: contexts.valueOf(asset, modelled.slice(prefix.length)) }] : [],
  );
}

function planDetector(
  asset: AssetConfig,
  plan: AssetPlan,
  names: Names,
  batches: readonly Scorer[],
  { scorer, context }: Modelled,
): DetectorPlan {
  checkGrid(scorer, asset.id, asset.window);
  const channels = bindChannels(scorer.manifest, asset.id, asset.tags, asset.detector?.channels);
  return {
    batch: batches.indexOf(scorer),
    columns: channels.map((tag) => plan.columns.findIndex((column) => column.tag === names.tag.indexOf(tag))),
    ...wearOf(asset),
    ...(context !== undefined && { context }),
  };
}

const contextOf = (asset: AssetConfig, contexts: ContextNames): Pick<AssetAlarmSettings, 'context'> =>
  asset.context === undefined
    ? {}
    : { context: { label: asset.context.slice(asset.context.lastIndexOf('/') + 1), nameOf: (value) => contexts.nameOf(asset, value) } };

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
  const tags = [...new Set([...asset.tags, ...(expression?.tags ?? []), ...(asset.context === undefined ? [] : [asset.context])])];
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

function planAlarms(config: Config, asset: AssetConfig, names: Names, scorers: readonly Scorer[]): AssetAlarmSettings {
  const { alarm } = asset;
  const rowsPerStep = Math.max(1, ...scorers.map(({ detector }) => detector?.rowsPerStep ?? 1));
  const unitOf = (tag: string): string | null =>
    engineeringUnitOf(config, tag) ?? scorers[0]?.manifest.channels.find((channel) => channel.tag === tag)?.engineeringUnit ?? null;
  return {
    asset: names.asset.intern(asset.id),
    id: asset.id,
    tags: asset.tags,
    units: asset.tags.map(unitOf),
    hasModel: scorers.length > 0,
    provisional: scorers.length > 0 && scorers.every(({ manifest }) => manifest.stage === 'provisional'),
    learning: asset.detector?.learn !== undefined && scorers.length === 0,
    allowedLatenessMs: asset.window.allowedLateness,
    alarm: {
      kind: alarm.kind,
      priority: alarm.priority,
      onDelayMs: alarm.onDelay,
      offDelayMs: alarm.offDelay,
      deadband: alarm.deadband,
      latching: alarm.latching,
      acknowledge: alarm.acknowledge ?? (alarm.kind === 'alert' ? 'automatic' : 'required'),
      // A grid that is judged every ten minutes is watched between two rows too.
      notWatchedAfterMs: Math.max(alarm.notWatchedAfter, fewestUnwatched * asset.window.step * rowsPerStep),
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
