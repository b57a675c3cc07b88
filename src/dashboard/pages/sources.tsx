import type { PollStatus, SourceStatus, SourceUnitStatus } from '../../core/source.ts';
import type { GatewaySourceStatus } from '../../gateway/status.ts';
import { bytes, count, duration, number, percent, when } from '../format.ts';
import { language, type Text, t, word } from '../language.ts';
import { now, status } from '../state.ts';

/** From this share of the polls on it is worth a word that some are left out. */
const leftOutShare = 0.01;
/** From this share of the period on, a poll that begins late is worth a word. */
const lateShare = 0.1;

/** How its polls go, in words, and what to do where they do not. */
function Polls({ polls }: { readonly polls: PollStatus }) {
  const { answeredShare, answered, failed, leftOut, periodMs } = polls;
  const { p99 } = polls.jitterMs;
  const period = duration(periodMs);
  // Where nothing is answered, that is what is wrong.
  const isLeftOut = answeredShare >= 0.005 && leftOut > (answered + failed + leftOut) * leftOutShare;
  const isLate = p99 > periodMs * lateShare;
  return (
    <>
      {answeredShare > 0.995
        ? t('polls.all')
        : answeredShare < 0.005
          ? t('polls.none')
          : t('polls.some', { share: percent(answeredShare) })}
      {p99 > 0 && <small>{isLate ? t('polls.late', { time: spanText(p99), period }) : t('polls.onTime', { time: spanText(p99) })}</small>}
      {isLeftOut && (
        <>
          <small>{t('polls.leftOut', { count: count(leftOut), period })}</small>
          <small class="hint">→ {t('polls.leftOutHint')}</small>
        </>
      )}
    </>
  );
}

/** A short one in ms. */
const spanText = (ms: number): string => (ms < 1000 ? `${number(ms, 3)} ms` : duration(ms));

/** What is wrong in the reader's words where they have some, the gateway's beneath, and what to do. */
function Trouble({ unit: { lastError, code, hint, learned } }: { readonly unit: SourceUnitStatus }) {
  const isKnown = code !== undefined && word('trouble', code) !== code;
  // The gateway's hint fits the case, but it is in English.
  const todo = isKnown && (language.value !== 'en' || hint === undefined) ? word('todo', code) : hint;
  return (
    <>
      {isKnown && t(`trouble.${code}` as Text)}
      {lastError !== undefined && (isKnown ? <small>{lastError}</small> : lastError)}
      {todo !== undefined && <small class="hint">→ {todo}</small>}
      {learned?.map((text) => (
        <small key={text}>{text}</small>
      ))}
    </>
  );
}

function Rejected({ rejected: { topic, payload, reason, atMs } }: { readonly rejected: NonNullable<SourceStatus['lastRejected']> }) {
  return (
    <section aria-label={t('sources.rejectedTitle')} class="rejected">
      <h3>{t('sources.rejectedTitle')}</h3>
      <p class="note">
        {t('sources.rejectedOn', { topic: topic ?? '–', when: when(atMs) })} {word('rejection', reason)}
        <code>{payload}</code>
        <small class="hint">→ {t('sources.rejectedHint')}</small>
      </p>
    </section>
  );
}

const amount = (name: string, value: number): string => (name === 'bytes' ? bytes(value) : count(value));

function rateText(perSecond: Readonly<Record<string, number>>): string | undefined {
  const { messages, bytes: received, requests } = perSecond;
  if (messages !== undefined) return t('sources.messageRate', { messages: number(messages, 3), bytes: bytes(received ?? 0) });
  return requests === undefined ? undefined : t('sources.requestRate', { requests: number(requests, 3) });
}

function Source({ id, source }: { readonly id: string; readonly source: GatewaySourceStatus }) {
  const { state, units, counters, lastRejected, perSecond = {} } = source;
  const hasPolls = units.some(({ polls }) => polls !== undefined);
  const rate = rateText(perSecond);
  return (
    <section class="card" aria-labelledby={`source-${id}`}>
      <h2 id={`source-${id}`}>
        {id} <span class={`badge ${state}`}>{t(`link.${state}` as Text)}</span>
      </h2>
      <div class="scroll">
        <table class="units">
          <thead>
            <tr>
              <th scope="col">{t('sources.unit')}</th>
              <th scope="col">{t('state')}</th>
              <th scope="col">{t('sources.lastGood')}</th>
              {hasPolls && <th scope="col">{t('sources.polls')}</th>}
              <th scope="col">{t('sources.lastError')}</th>
            </tr>
          </thead>
          <tbody>
            {units.map((unit) => (
              <tr key={unit.name}>
                <th scope="row">{unit.name}</th>
                <td>
                  <span class={`badge ${unit.state}`}>{t(`link.${unit.state}` as Text)}</span>
                </td>
                <td>{unit.lastGoodMs === undefined ? '–' : t('ago', { age: duration(now.value - unit.lastGoodMs) })}</td>
                {hasPolls && <td class="words">{unit.polls !== undefined && <Polls polls={unit.polls} />}</td>}
                <td class="words">
                  <Trouble unit={unit} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rate !== undefined && <p class="note">{rate}</p>}
      <dl class="counters">
        {Object.entries(counters)
          .filter(([, value]) => value !== 0)
          .map(([name, value]) => (
            <div key={name}>
              <dt>{word('counter', name)}</dt>
              <dd>
                {amount(name, value)}
                {(perSecond[name] ?? 0) > 0 && (
                  <small>
                    {t('sources.perSecond', {
                      rate: name === 'bytes' ? bytes(perSecond[name] as number) : number(perSecond[name], 3),
                    })}
                  </small>
                )}
              </dd>
            </div>
          ))}
      </dl>
      {lastRejected !== undefined && <Rejected rejected={lastRejected} />}
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
