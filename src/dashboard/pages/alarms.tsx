import { useState } from 'preact/hooks';
import type { AlarmTransition } from '../../core/alarm.ts';
import type { AlarmFigures } from '../../server/alarm-figures.ts';
import { get } from '../api.ts';
import { leaf, number, percent, when } from '../format.ts';
import { type Text, t, word } from '../language.ts';
import { AlarmCard } from '../parts/alarm-card.tsx';
import { href } from '../router.ts';
import { alarmsChanged, standing, tell } from '../state.ts';
import { useFetched } from '../use-fetched.ts';

type Row = AlarmTransition & { readonly place: number };

function Figures() {
  const [days, setDays] = useState(1);
  // To the minute, so that the question stays the same for a while.
  const from = Math.floor(Date.now() / 60_000) * 60_000 - days * 86_400_000;
  const { data } = useFetched<AlarmFigures>(`/alarms/figures?from=${from}`, undefined, alarmsChanged.value);
  return (
    <section aria-labelledby="figures">
      <h2 id="figures">{t('figures.title')}</h2>
      <label class="inline">
        {t('figures.over')}
        <select value={days} onChange={(event) => setDays(Number(event.currentTarget.value))}>
          {[1, 7, 30].map((n) => (
            <option key={n} value={n}>
              {t('figures.days', { count: n })}
            </option>
          ))}
        </select>
      </label>
      {data !== undefined && (
        <>
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

function Journal() {
  const { data: first = [] } = useFetched<readonly Row[]>('/alarms/journal?limit=50', undefined, alarmsChanged.value);
  const [older, setOlder] = useState<readonly Row[]>([]);
  const rows = [...first, ...older.filter(({ place }) => place < (first.at(-1)?.place ?? Number.POSITIVE_INFINITY))];
  const more = async (): Promise<void> => {
    try {
      const next = await get<readonly Row[]>(`/alarms/journal?limit=50&from=0&before=${rows.at(-1)?.place ?? 0}`);
      setOlder([...older, ...next]);
    } catch (error) {
      tell(error);
    }
  };
  return (
    <section aria-labelledby="journal">
      <h2 id="journal">{t('journal.title')}</h2>
      {rows.length === 0 ? (
        <p>{t('journal.empty')}</p>
      ) : (
        <div class="scroll">
          <table class="journal">
            <thead>
              <tr>
                <th scope="col">{t('journal.time')}</th>
                <th scope="col">{t('journal.asset')}</th>
                <th scope="col">{t('journal.change')}</th>
                <th scope="col">{t('journal.what')}</th>
                <th scope="col">{t('journal.who')}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map(({ place, atMs, asset, rule, tag, from, to, message, by, comment, priority }) => (
                <tr key={place} class={priority}>
                  <td>
                    <time dateTime={new Date(atMs).toISOString()}>{when(atMs)}</time>
                  </td>
                  <td>
                    <a href={href('assets', asset)}>{asset}</a>
                  </td>
                  <td>
                    {word('rule', rule)} {tag !== null && leaf(tag)}
                    <br />
                    <small>
                      {t(`state.${from}` as Text)} → {t(`state.${to}` as Text)}
                    </small>
                  </td>
                  <td>{message}</td>
                  <td>
                    {by ?? ''}
                    {comment !== null && <small>{comment}</small>}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {rows.length >= 50 && (
        <button type="button" onClick={() => void more()}>
          {t('journal.more')}
        </button>
      )}
    </section>
  );
}

/** What is wrong now, what was, and how many alarms people get. */
export function Alarms() {
  const all = standing.value;
  const hidden = all.filter(({ state }) => state === 'shelved' || state === 'suppressedByDesign' || state === 'outOfService');
  const shown = all.filter((alarm) => !hidden.includes(alarm));
  return (
    <>
      <h1>{t('alarms.title')}</h1>
      {shown.length === 0 && <p class="calm">{t('alarms.none')}</p>}
      {shown.map((alarm) => (
        <AlarmCard key={`${alarm.asset} ${alarm.rule} ${alarm.tag}`} alarm={alarm} />
      ))}
      {hidden.length > 0 && (
        <details>
          <summary>{t('alarms.hidden', { count: hidden.length })}</summary>
          {hidden.map((alarm) => (
            <AlarmCard key={`${alarm.asset} ${alarm.rule} ${alarm.tag}`} alarm={alarm} />
          ))}
        </details>
      )}
      <Journal />
      <Figures />
    </>
  );
}
