import type { AssetAlarmState } from '../../core/alarm.ts';
import { healthOf } from '../../core/health.ts';
import { autonomyMs } from '../../gateway/autonomy.ts';
import type { StorageForecast } from '../../gateway/storage-forecast.ts';
import { duration, leaf, ratio } from '../format.ts';
import { sentenceOf } from '../health.ts';
import { reader, t } from '../language.ts';
import { HealthMark } from '../parts/health-mark.tsx';
import { Sparkline } from '../parts/sparkline.tsx';
import { href } from '../router.ts';
import { doingSentence } from '../sentences.ts';
import { assets, isLive, learning, newestScore, status, trendEndMs, trends, waiting } from '../state.ts';
import { useFetched } from '../use-fetched.ts';
import { isDown } from './delivery.tsx';

function Tile({ state }: { readonly state: AssetAlarmState }) {
  const { asset } = state;
  const health = healthOf(state);
  const score = newestScore.value.get(asset);
  const lesson = learning.value[asset];
  return (
    <a class={`tile ${health}`} href={href('assets', asset)} data-asset={asset}>
      <header>
        <h2>
          <span class="path">{asset.slice(0, -leaf(asset).length)}</span>
          {leaf(asset)}
        </h2>
        <HealthMark health={health} />
      </header>
      <Sparkline points={trends.value.get(asset) ?? []} toMs={trendEndMs.value} />
      <p class="score">{score === undefined ? t('score.none') : t('score.ofLimit', { ratio: ratio(score.value / score.limit) })}</p>
      <p class="sentence">{sentenceOf(state, lesson)}</p>
      {lesson?.progress && (
        <progress max={lesson.progress.of} value={lesson.progress.done} aria-label={doingSentence(lesson.progress.doing, reader())} />
      )}
    </a>
  );
}

/** Every asset at a glance, and the line about the site. */
export function Overview() {
  const { data: storage } = useFetched<StorageForecast>('/storage', 30_000);
  const all = assets.value;
  const site = status.value;
  const backlog = Object.values(site?.sinks ?? {}).reduce(
    (sum, { delivery }) => sum + Object.values(delivery.lanes).reduce((points, lane) => points + lane.points, 0),
    0,
  );
  const linkDown = Object.entries(site?.sinks ?? {}).filter(([, { delivery, sink }]) => isDown(delivery, sink));
  const trouble = Object.entries(site?.sources ?? {}).filter(([, { state }]) => state !== 'good');
  const autonomy = storage === undefined ? undefined : autonomyMs(storage);
  return (
    <>
      <h1>{site === undefined ? 'Fettle' : t('overview.title', { site: site.site })}</h1>
      <ul class="site-line" aria-label={t('overview.site')}>
        <li class={waiting.value > 0 ? 'warn' : 'ok'}>
          <a href={href('alarms')}>{waiting.value > 0 ? t('overview.unacknowledged', { count: waiting.value }) : t('overview.calm')}</a>
        </li>
        <li class={trouble.length > 0 ? 'warn' : 'ok'}>
          <a href={href('sources')}>
            {trouble.length > 0 ? t('overview.sourcesDown', { names: trouble.map(([id]) => id).join(', ') }) : t('overview.sourcesUp')}
          </a>
        </li>
        <li class={linkDown.length > 0 ? 'warn' : 'ok'}>
          <a href={href('delivery')}>
            {linkDown.length > 0 ? t('overview.linkDown', { names: linkDown.map(([id]) => id).join(', ') }) : t('overview.linkUp')}
          </a>
        </li>
        <li>{t('overview.backlog', { count: backlog })}</li>
        {autonomy !== undefined && (
          <li>{t(storage?.isEarly ? 'overview.autonomyEarly' : 'overview.autonomy', { time: duration(autonomy) })}</li>
        )}
        {storage !== undefined && storage.waitingBytesPerDay === null && <li>{t('overview.autonomyLater')}</li>}
        {!isLive.value && <li class="warn">{t('overview.notLive')}</li>}
      </ul>
      {all === undefined ? (
        <p>{t('loading')}</p>
      ) : all.length === 0 ? (
        <p>{t('overview.noAssets')}</p>
      ) : (
        <div class="tiles">
          {all.map((state) => (
            <Tile key={state.asset} state={state} />
          ))}
        </div>
      )}
    </>
  );
}
