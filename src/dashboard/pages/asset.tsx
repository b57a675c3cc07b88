import { useMemo, useState } from 'preact/hooks';
import type { AssetChart } from '../../charts/asset-chart.ts';
import { healthOf } from '../../core/health.ts';
import { duration, leaf, moment, number, when, withUnit } from '../format.ts';
import { sentenceOf } from '../health.ts';
import { type Text, t, word } from '../language.ts';
import { AlarmCard } from '../parts/alarm-card.tsx';
import { Chart, type Span } from '../parts/chart.tsx';
import { HealthMark } from '../parts/health-mark.tsx';
import { HeatStrip } from '../parts/heat-strip.tsx';
import { href } from '../router.ts';
import { alarmsChanged, assets, learning, now, standing } from '../state.ts';
import { useFetched } from '../use-fetched.ts';

const spans = {
  '1m': 60_000,
  '10m': 600_000,
  '1h': 3_600_000,
  '8h': 28_800_000,
  '1d': 86_400_000,
  '7d': 604_800_000,
  '30d': 2_592_000_000,
} as const;
type SpanName = keyof typeof spans;

interface View {
  /** Null: follows the newest. */
  readonly toMs: number | null;
  readonly lastsMs: number;
}

const points = 600;
/** Least that is worth looking at. */
const shortestMs = 1000;

/** How often a span that follows the newest is asked for. */
const everyMs = (lastsMs: number): number => Math.min(60_000, Math.max(1000, lastsMs / 200));

/** One machine: its channels with what the model expects, score and limit, who had which part, why windows were invalid. */
export function Asset({ asset }: { readonly asset: string }) {
  const [view, setView] = useState<View>({ toMs: null, lastsMs: spans['10m'] });
  const { toMs, lastsMs } = view;
  const isFollowing = toMs === null;
  const path = `/assets/${encodeURIComponent(asset)}/chart?points=${points}&lastsMs=${Math.round(lastsMs)}${isFollowing ? '' : `&to=${Math.round(toMs)}`}`;
  const { data: chart, error } = useFetched<AssetChart>(
    path,
    isFollowing ? everyMs(lastsMs) : undefined,
    isFollowing ? alarmsChanged.value : '',
  );
  const state = assets.value?.find((one) => one.asset === asset);
  const shaded = useMemo<readonly Span[]>(
    () => [
      ...(chart?.invalid ?? []).map(({ fromMs, toMs: end }) => ({ fromMs, toMs: end, colour: '--shade-invalid' })),
      ...(chart?.alarms ?? []).map(({ fromMs, toMs: end }) => ({ fromMs, toMs: end ?? chart?.toMs ?? fromMs, colour: '--shade-alarm' })),
    ],
    [chart],
  );
  if (state === undefined) {
    return (
      <>
        <h1>{asset}</h1>
        <p>{assets.value === undefined ? t('loading') : t('asset.unknown')}</p>
      </>
    );
  }
  const show = (fromMs: number, end: number): void => setView({ toMs: end, lastsMs: Math.max(shortestMs, end - fromMs) });
  const end = chart?.toMs ?? now.value;
  const move = (share: number): void => {
    const moved = end + lastsMs * share;
    setView({ toMs: moved >= (chart?.newestMs ?? now.value) ? null : moved, lastsMs });
  };
  const zoom = (factor: number): void =>
    setView({ toMs: isFollowing ? null : end + (lastsMs * (factor - 1)) / 2, lastsMs: Math.max(shortestMs, lastsMs * factor) });
  const alarms = standing.value.filter((alarm) => alarm.asset === asset);
  const lesson = learning.value[asset];
  return (
    <>
      <p class="crumb">
        <a href={href()}>{t('nav.overview')}</a>
      </p>
      <h1>
        {asset} <HealthMark health={healthOf(state)} />
      </h1>
      <p class="sentence">{sentenceOf(state, lesson)}</p>
      {alarms.map((alarm) => (
        <AlarmCard key={`${alarm.rule} ${alarm.tag}`} alarm={alarm} />
      ))}
      <fieldset class="toolbar" aria-label={t('asset.span')}>
        {(Object.keys(spans) as SpanName[]).map((name) => (
          <button key={name} type="button" aria-pressed={lastsMs === spans[name]} onClick={() => setView({ toMs, lastsMs: spans[name] })}>
            {t(`span.${name}` as Text)}
          </button>
        ))}
        <button type="button" onClick={() => move(-0.5)} aria-label={t('asset.earlier')}>
          ←
        </button>
        <button type="button" onClick={() => move(0.5)} disabled={isFollowing} aria-label={t('asset.later')}>
          →
        </button>
        <button type="button" onClick={() => zoom(0.5)} aria-label={t('asset.zoomIn')}>
          +
        </button>
        <button type="button" onClick={() => zoom(2)} aria-label={t('asset.zoomOut')}>
          −
        </button>
        <button type="button" aria-pressed={isFollowing} onClick={() => setView({ toMs: null, lastsMs })}>
          {t('asset.live')}
        </button>
      </fieldset>
      {error !== undefined && <p class="error">{error}</p>}
      {chart !== undefined && (
        <>
          <p class="range">
            {moment(chart.fromMs)} – {moment(chart.toMs)} · {t('asset.resolution', { step: duration(chart.stepMs) })}
            {chart.summedToMs !== null && ` · ${t('asset.summing', { when: when(chart.summedToMs) })}`}
            {chart.oldestMs !== null && ` · ${t('asset.since', { when: when(chart.oldestMs) })}`}
          </p>
          <Charts chart={chart} shaded={shaded} onZoom={show} />
          {chart.invalid.length > 0 && (
            <section aria-labelledby="invalid">
              <h2 id="invalid">{t('asset.invalid')}</h2>
              <ul>
                {chart.invalid.slice(-10).map(({ fromMs, toMs: over, reason, tag }) => (
                  <li key={`${fromMs} ${reason}`}>
                    {when(fromMs)} – {when(over)}: {word('reason', reason)} {tag !== null && leaf(tag)}
                  </li>
                ))}
              </ul>
            </section>
          )}
        </>
      )}
      <section aria-labelledby="channels">
        <h2 id="channels">{t('asset.channels')}</h2>
        <Channels
          asset={asset}
          expected={new Map(chart?.channels.map(({ tag, expected }) => [tag, expected.findLast((value) => value !== null) ?? null]))}
        />
      </section>
      {lesson !== undefined && (
        <p class="note">
          {t('asset.learning')}: {lesson.text}
        </p>
      )}
    </>
  );
}

function Charts({
  chart,
  shaded,
  onZoom,
}: {
  readonly chart: AssetChart;
  readonly shaded: readonly Span[];
  readonly onZoom: (fromMs: number, toMs: number) => void;
}) {
  const { fromMs, toMs, timeMs, score, channels } = chart;
  const shared = { fromMs, toMs, timeMs, spans: shaded, group: 'asset', onZoom };
  const scoreLines = useMemo(() => [{ label: t('score.title'), values: bridged(score.ratio), colour: '--accent' }], [chart]);
  const drawn = useMemo(() => channels.map((channel) => ({ channel, ...linesOf(channel) })), [chart]);
  return (
    <div class="charts">
      <figure>
        <figcaption>{t('score.overLimit')}</figcaption>
        <Chart {...shared} lines={scoreLines} limit={1} height={130} label={t('score.overLimit')} />
      </figure>
      {score.ratio.some((ratio) => ratio !== null) && (
        <figure>
          <figcaption>{t('asset.heat')}</figcaption>
          <HeatStrip chart={chart} />
        </figure>
      )}
      {drawn.map(({ channel, lines, hasBand }) => (
        <figure key={channel.tag}>
          <figcaption>
            {leaf(channel.tag)}
            {channel.engineeringUnit !== null && ` (${channel.engineeringUnit})`}
          </figcaption>
          <Chart
            {...shared}
            lines={lines}
            {...(hasBand && { band: [2, 1] as const })}
            height={120}
            label={`${channel.tag} ${t('asset.chartLabel')}`}
          />
        </figure>
      ))}
    </div>
  );
}

type Series = readonly (number | null)[];

/** A channel that speaks less often than the step has no value in most of them: the line goes on across such places. Where it was away for long, it ends. */
function bridged(values: Series): (number | null | undefined)[] {
  const known = values.flatMap((value, i) => (value === null ? [] : [i]));
  const distances = known
    .slice(1)
    .map((at, i) => at - (known[i] as number))
    .sort((a, b) => a - b);
  const usual = distances[Math.floor(distances.length / 2)] ?? 1;
  const longest = Math.max(3, 4 * usual);
  const result: (number | null | undefined)[] = values.map((value) => value ?? undefined);
  known.slice(1).forEach((at, i) => {
    const before = known[i] as number;
    if (at - before > longest) result[before + 1] = null;
  });
  return result;
}

/** Mean, least and highest, and what the model expected. */
function linesOf({ min, mean, max, expected }: AssetChart['channels'][number]) {
  const hasBand = min.some((low, i) => low !== null && low !== max[i]);
  const lines = [
    { label: 'mean', values: bridged(mean), colour: '--measured' },
    ...(hasBand
      ? [
          { label: 'min', values: bridged(min), colour: '--band', width: 0.5 },
          { label: 'max', values: bridged(max), colour: '--band', width: 0.5 },
        ]
      : []),
    { label: 'expected', values: bridged(expected), colour: '--expected', dash: [4, 3] },
  ];
  return { lines, hasBand };
}

interface AssetDetails {
  readonly channels: readonly {
    readonly tag: string;
    readonly value: number | string | null;
    readonly engineeringUnit: string | null;
    readonly severity: string;
    readonly quality: string;
    readonly ageMs: number | null;
  }[];
}

function Channels({ asset, expected }: { readonly asset: string; readonly expected: ReadonlyMap<string, number | null> }) {
  const { data } = useFetched<AssetDetails>(`/assets/${encodeURIComponent(asset)}`, 2000);
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">{t('channel')}</th>
            <th scope="col">{t('value')}</th>
            <th scope="col">{t('expected')}</th>
            <th scope="col">{t('quality')}</th>
            <th scope="col">{t('age')}</th>
          </tr>
        </thead>
        <tbody>
          {(data?.channels ?? []).map(({ tag, value, engineeringUnit, severity, quality, ageMs }) => (
            <tr key={tag}>
              <th scope="row">{leaf(tag)}</th>
              <td>{typeof value === 'string' ? value : withUnit(value, engineeringUnit)}</td>
              <td>{number(expected.get(tag))}</td>
              <td class={severity}>{word('quality', quality)}</td>
              <td>{ageMs === null ? '–' : duration(ageMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
