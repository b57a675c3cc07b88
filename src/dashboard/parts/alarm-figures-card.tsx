import type { AlarmFigures } from '../../server/alarm-figures.ts';
import { duration, leaf, number, percent } from '../format.ts';
import { t, word } from '../language.ts';
import { href } from '../router.ts';

/** How many alarms people get, by ISA-18.2. */
export function AlarmFiguresCard({
  data,
  days,
  onDays,
}: {
  readonly data: AlarmFigures | undefined;
  readonly days: number;
  readonly onDays: (days: number) => void;
}) {
  return (
    <section aria-labelledby="figures">
      <h2 id="figures">{t('figures.title')}</h2>
      <label class="inline">
        {t('figures.over')}
        <select value={days} onChange={(event) => onDays(Number(event.currentTarget.value))}>
          {[1, 7, 30].map((n) => (
            <option key={n} value={n}>
              {t('figures.days', { count: n })}
            </option>
          ))}
        </select>
      </label>
      {data !== undefined && (
        <>
          {data.observedMs < (data.toMs - data.fromMs) * 0.99 && (
            <p class="note">{t('figures.observed', { time: duration(data.observedMs) })}</p>
          )}
          <dl class="figures">
            <Figure name={t('figures.perHour')} value={number(data.perHour, 2)} isBad={data.perHour > 6} note={t('figures.perHourNote')} />
            <Figure name={t('figures.peak')} value={number(data.peak10Min)} isBad={data.peak10Min > 10} note={t('figures.peakNote')} />
            <Figure
              name={t('figures.flood')}
              value={percent(data.floodShare)}
              isBad={data.floodShare > 0.01}
              note={t('figures.floodNote')}
            />
            <Figure
              name={t('figures.chattering')}
              value={number(data.chattering.length)}
              isBad={data.chattering.length > 0}
              note={data.chattering.map(({ asset, tag }) => leaf(tag ?? asset)).join(', ')}
            />
            <Figure name={t('figures.fleeting')} value={number(data.fleeting)} isBad={data.fleeting > 0} note={t('figures.fleetingNote')} />
            <Figure
              name={t('figures.stale')}
              value={number(data.stale.length)}
              isBad={data.stale.length > 0}
              note={data.stale.map(({ asset, tag }) => leaf(tag ?? asset)).join(', ')}
            />
          </dl>
          {data.topTen.length > 0 && (
            <>
              <h3>{t('figures.topTen', { share: percent(data.topTenShare) })}</h3>
              <ol class="top-ten">
                {data.topTen.map(({ asset, rule, tag, count }) => (
                  <li key={`${asset} ${rule} ${tag}`}>
                    <a href={href('assets', asset)}>{asset}</a> {word('rule', rule)} {tag !== null && leaf(tag)} <strong>{count}</strong>
                  </li>
                ))}
              </ol>
            </>
          )}
        </>
      )}
    </section>
  );
}

const Figure = ({
  name,
  value,
  isBad,
  note,
}: {
  readonly name: string;
  readonly value: string;
  readonly isBad: boolean;
  readonly note: string;
}) => (
  <div class={isBad ? 'bad' : ''}>
    <dt>{name}</dt>
    <dd>
      {value}
      <small>{note}</small>
    </dd>
  </div>
);
