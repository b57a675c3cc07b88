import { useState } from 'preact/hooks';
import { healthOf, isShown } from '../../core/health.ts';
import type { AlarmFigures } from '../../server/alarm-figures.ts';
import { useAtMostEvery } from '../at-most-every.ts';
import { healthText, sentenceOf } from '../health.ts';
import { t, word } from '../language.ts';
import { AlarmCard } from '../parts/alarm-card.tsx';
import { AlarmFiguresCard } from '../parts/alarm-figures-card.tsx';
import { AlarmJournal, OverAlarms, useJournal } from '../parts/alarm-journal.tsx';
import { href } from '../router.ts';
import { alarmsChanged, assets, learning, standing, status, waiting } from '../state.ts';
import { useFetched } from '../use-fetched.ts';

/** A flood makes hundreds of changes a second; the journal is read again this often at most. */
const refreshMs = 1000;
const figuresMs = 30_000;

/** Machines and sources that are not well without an alarm saying so. */
function Unwell({ hasAlarms }: { readonly hasAlarms: boolean }) {
  const machines = (assets.value ?? []).filter((state) => {
    const health = healthOf(state);
    return (health === 'failure' || health === 'check') && !state.alarms.some(isShown);
  });
  const sources = Object.entries(status.value?.sources ?? {}).filter(([, { state }]) => state !== 'good');
  if (machines.length + sources.length === 0) return hasAlarms ? null : <p class="calm">{t('alarms.none')}</p>;
  return (
    <section class="card" aria-label={t('alarms.noneBut')}>
      <p>{t(hasAlarms ? 'alarms.besides' : 'alarms.noneBut')}</p>
      <ul>
        {machines.map((state) => (
          <li key={state.asset}>
            <a href={href('assets', state.asset)}>{state.asset}</a> <strong>{healthText(healthOf(state))}</strong>{' '}
            {sentenceOf(state, learning.value[state.asset])}
          </li>
        ))}
        {sources.map(([name, { state }]) => (
          <li key={name}>
            <a href={href('sources')}>{t('alarms.source', { name, state: word('link', state) })}</a>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What is wrong now, what was, and how many alarms people get. */
export function Alarms() {
  const [days, setDays] = useState(1);
  const change = useAtMostEvery(alarmsChanged.value, refreshMs);
  const journal = useJournal(change);
  // To the minute, so that the question stays the same for a while.
  const from = Math.floor(Date.now() / 60_000) * 60_000 - days * 86_400_000;
  const { data: figures } = useFetched<AlarmFigures>(`/alarms/figures?from=${from}`, figuresMs, change);
  const shown = standing.value.filter(isShown);
  const hidden = standing.value.filter((alarm) => !isShown(alarm));
  return (
    <>
      <h1>{t('alarms.title')}</h1>
      {figures?.isFlood === true && (
        <p class="flood" role="status">
          <strong>{t('flood.title')}</strong> {t('flood.text', { count: figures.last10Min })}
        </p>
      )}
      {shown.length > 0 && <p>{waiting.value > 0 ? t('alarms.waiting', { count: waiting.value }) : t('alarms.noneWaits')}</p>}
      {shown.map((alarm) => (
        <AlarmCard key={`${alarm.asset} ${alarm.rule} ${alarm.tag}`} alarm={alarm} />
      ))}
      <Unwell hasAlarms={shown.length > 0} />
      {hidden.length > 0 && (
        <details>
          <summary>{t('alarms.hidden', { count: hidden.length })}</summary>
          {hidden.map((alarm) => (
            <AlarmCard key={`${alarm.asset} ${alarm.rule} ${alarm.tag}`} alarm={alarm} />
          ))}
        </details>
      )}
      <OverAlarms rows={journal.rows} />
      <AlarmJournal {...journal} />
      <AlarmFiguresCard data={figures} days={days} onDays={setDays} />
    </>
  );
}
