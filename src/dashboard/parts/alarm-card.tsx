import { duration, leaf, when, withUnit } from '../format.ts';
import { reader, type Text, t, word } from '../language.ts';
import { href } from '../router.ts';
import { alarmSentence } from '../sentences.ts';
import { type AssetAlarm, now } from '../state.ts';
import { AlarmActions } from './alarm-actions.tsx';

/** One alarm that is not normal: what, where, against what was expected, what to do. */
export function AlarmCard({ alarm }: { readonly alarm: AssetAlarm }) {
  const { asset, rule, tag, state, kind, priority, sinceMs, findings, advice, consequence, provisional, shelvedUntilMs } = alarm;
  return (
    <article class={`alarm ${priority} ${state}`}>
      <header>
        <strong>
          <a href={href('assets', asset)}>{asset}</a>
        </strong>
        <span class={`badge ${priority}`}>{t(`priority.${priority}` as Text)}</span>
        <span>
          {word('kind', kind)} · {word('rule', rule)}
          {tag !== null && ` · ${leaf(tag)}`}
        </span>
        <span class="state">{word('state', state)}</span>
        <time dateTime={new Date(sinceMs).toISOString()} title={when(sinceMs)}>
          {t('since', { when: when(sinceMs), age: duration(now.value - sinceMs) })}
        </time>
      </header>
      <p class="message">{alarmSentence(alarm, reader())}</p>
      {provisional && <p class="note">{t('alarm.provisional')}</p>}
      {shelvedUntilMs !== null && <p class="note">{t('alarm.shelvedUntil', { when: when(shelvedUntilMs) })}</p>}
      {findings.some(({ expected, share }) => expected !== null || share !== null) && (
        <div class="scroll">
          <table class="findings">
            <thead>
              <tr>
                <th scope="col">{t('channel')}</th>
                <th scope="col">{t('value')}</th>
                <th scope="col">{t('expected')}</th>
                <th scope="col">{t('share')}</th>
              </tr>
            </thead>
            <tbody>
              {findings.slice(0, 4).map(({ tag: channel, value, expected, engineeringUnit, share }) => (
                <tr key={channel}>
                  <th scope="row">{leaf(channel)}</th>
                  <td>{withUnit(value, engineeringUnit)}</td>
                  <td>{expected === null ? '–' : `${withUnit(expected[0], '')} … ${withUnit(expected[1], engineeringUnit)}`}</td>
                  <td>{share !== null && <Share value={share} />}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {advice !== null && (
        <p class="advice">
          <strong>{t('alarm.advice')}</strong> {advice}
        </p>
      )}
      {consequence !== null && (
        <p class="advice">
          <strong>{t('alarm.consequence')}</strong> {consequence}
        </p>
      )}
      <AlarmActions alarm={alarm} />
    </article>
  );
}

/** Part of the whole, as a bar. */
const Share = ({ value }: { readonly value: number }) => (
  <svg class="share" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label={`${Math.round(value * 100)} %`}>
    <rect width={Math.round(value * 100)} height="10" />
  </svg>
);
