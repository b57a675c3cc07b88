import type { SourceStatus } from '../../core/source.ts';
import { count, duration, when } from '../format.ts';
import { type Text, t, word } from '../language.ts';
import { now, status } from '../state.ts';

const words = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

function Source({ id, source }: { readonly id: string; readonly source: SourceStatus }) {
  const { state, units, counters, lastRejected } = source;
  return (
    <section class="card" aria-labelledby={`source-${id}`}>
      <h2 id={`source-${id}`}>
        {id} <span class={`badge ${state}`}>{t(`link.${state}` as Text)}</span>
      </h2>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">{t('sources.unit')}</th>
              <th scope="col">{t('state')}</th>
              <th scope="col">{t('sources.lastGood')}</th>
              <th scope="col">{t('sources.lastError')}</th>
            </tr>
          </thead>
          <tbody>
            {units.map(({ name, state: unitState, lastError, hint, lastGoodMs, learned }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>
                  <span class={`badge ${unitState}`}>{t(`link.${unitState}` as Text)}</span>
                </td>
                <td>{lastGoodMs === undefined ? '–' : t('ago', { age: duration(now.value - lastGoodMs) })}</td>
                <td>
                  {lastError}
                  {hint !== undefined && <small class="hint">→ {hint}</small>}
                  {learned?.map((text) => (
                    <small key={text}>{text}</small>
                  ))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <dl class="counters">
        {Object.entries(counters)
          .filter(([, value]) => value !== 0)
          .map(([name, value]) => (
            <div key={name}>
              <dt>{word('counter', words(name))}</dt>
              <dd>{count(value)}</dd>
            </div>
          ))}
      </dl>
      {lastRejected !== undefined && (
        <p class="note">
          {t('sources.rejected', { topic: lastRejected.topic ?? '', when: when(lastRejected.atMs), reason: lastRejected.reason })}
          <code>{lastRejected.payload}</code>
        </p>
      )}
    </section>
  );
}

/** How each device fares, its last error in words and what to do about it. */
export function Sources() {
  const sources = Object.entries(status.value?.sources ?? {});
  return (
    <>
      <h1>{t('nav.sources')}</h1>
      {status.value === undefined && <p>{t('loading')}</p>}
      {status.value !== undefined && sources.length === 0 && <p>{t('sources.none')}</p>}
      {sources.map(([id, source]) => (
        <Source key={id} id={id} source={source} />
      ))}
    </>
  );
}
