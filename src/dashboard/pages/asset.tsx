import { useState } from 'preact/hooks';
import type { AssetChart } from '../../charts/asset-chart.ts';
import { healthOf, isShown } from '../../core/health.ts';
import { duration, leaf, moment, when, withUnit } from '../format.ts';
import { sentenceOf } from '../health.ts';
import { reader, type Text, t, word } from '../language.ts';
import { AlarmCard } from '../parts/alarm-card.tsx';
import { AssetCharts } from '../parts/asset-charts.tsx';
import { ChartSpans } from '../parts/chart-spans.tsx';
import { HealthMark } from '../parts/health-mark.tsx';
import { WideTable } from '../parts/wide-table.tsx';
import { href } from '../router.ts';
import { learningSentence, watchingSentence } from '../sentences.ts';
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

/** The history begins within the stretch that is asked for. */
const isShort = ({ fromMs, toMs }: AssetChart, lastsMs: number): boolean => toMs - fromMs < 0.98 * lastsMs;

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
      {/* What stands says so itself below. */}
      {!state.alarms.some(isShown) && <p class="sentence">{sentenceOf(state, lesson)}</p>}
      {state.alarms.some(isShown) && state.watching !== 'yes' && <p class="sentence">{watchingSentence(state, reader())}</p>}
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
          {isShort(chart, lastsMs) && (
            <p class="note">
              {t('asset.reaches', {
                when: when(chart.fromMs),
                shown: duration(chart.toMs - chart.fromMs),
                wanted: duration(lastsMs),
              })}
            </p>
          )}
          <AssetCharts chart={chart} onZoom={show} />
          <ChartSpans chart={chart} onZoom={show} />
        </>
      )}
      <section aria-labelledby="channels">
        <h2 id="channels">{t('asset.channels')}</h2>
        <Channels
          asset={asset}
          expected={
            new Map(
              isFollowing ? chart?.channels.map(({ tag, expected }) => [tag, expected.findLast((value) => value !== null) ?? null]) : [],
            )
          }
        />
      </section>
      {lesson !== undefined && <p class="note">{learningSentence(lesson, reader())}</p>}
    </>
  );
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
    <WideTable label={t('asset.channels')} isCards>
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
            <td data-label={t('value')}>{typeof value === 'string' ? value : withUnit(value, engineeringUnit)}</td>
            <td data-label={t('expected')}>{withUnit(expected.get(tag), engineeringUnit)}</td>
            <td data-label={t('quality')} class={severity}>
              {word('quality', quality)}
            </td>
            <td data-label={t('age')}>{ageMs === null ? '–' : duration(ageMs)}</td>
          </tr>
        ))}
      </tbody>
    </WideTable>
  );
}
