import { useState } from 'preact/hooks';
import type { AlarmTransition } from '../../core/alarm.ts';
import { get } from '../api.ts';
import { leaf, when } from '../format.ts';
import { reader, type Text, t, word } from '../language.ts';
import { href } from '../router.ts';
import { alarmSentence, transitionSentence } from '../sentences.ts';
import { tell } from '../state.ts';
import { endedStretch, isJudged, stretchText } from '../stretches.ts';
import { useFetched } from '../use-fetched.ts';
import { mayOperate } from './alarm-actions.tsx';
import { canBeJudged, VerdictButton } from './verdict-button.tsx';
import { WideTable } from './wide-table.tsx';

/** A transition with its place in the journal. */
export type JournalRow = AlarmTransition & { readonly place: number };

const pageRows = 50;
const shownOver = 5;

export interface Journal {
  readonly rows: readonly JournalRow[];
  readonly mayHaveMore: boolean;
  more(): Promise<void>;
}

/** The journal, the newest first; asked for again when `key` changes. */
export function useJournal(key: unknown): Journal {
  const { data: first = [] } = useFetched<readonly JournalRow[]>(`/alarms/journal?limit=${pageRows}`, undefined, key);
  const [older, setOlder] = useState<readonly JournalRow[]>([]);
  const rows = [...first, ...older.filter(({ place }) => place < (first.at(-1)?.place ?? Number.POSITIVE_INFINITY))];
  const more = async (): Promise<void> => {
    try {
      const next = await get<readonly JournalRow[]>(`/alarms/journal?limit=${pageRows}&from=0&before=${rows.at(-1)?.place ?? 0}`);
      setOlder([...older, ...next]);
    } catch (error) {
      tell(error);
    }
  };
  return { rows, mayHaveMore: rows.length >= pageRows, more };
}

/** Alarms of the detector that are over without anybody having said what they were. */
const unjudged = (rows: readonly JournalRow[]) =>
  rows.flatMap((row) => {
    const stretch = canBeJudged(row.rule) ? endedStretch(row) : undefined;
    return stretch === undefined || isJudged(stretch, row, rows) ? [] : [{ row, stretch }];
  });

/** What is over and waits for a word, so that learning has something to go by. */
export function OverAlarms({ rows }: { readonly rows: readonly JournalRow[] }) {
  const over = unjudged(rows);
  if (over.length === 0 || !mayOperate()) return null;
  return (
    <section aria-labelledby="over">
      <h2 id="over">{t('over.title')}</h2>
      <ul class="over">
        {over.slice(0, shownOver).map(({ row, stretch }) => (
          <li key={row.place}>
            <div>
              <a href={href('assets', row.asset)}>{row.asset}</a> {word('rule', row.rule)}
              <small>{stretchText(stretch)}</small>
              {alarmSentence(bare(row), reader())}
            </div>
            <VerdictButton target={{ ...row, stretch }} sentence={alarmSentence(bare(row), reader())} />
          </li>
        ))}
      </ul>
      {over.length > shownOver && <p class="note">{t('over.more', { count: over.length - shownOver })}</p>}
    </section>
  );
}

/** What happened, who did what and why. */
export function AlarmJournal({ rows, mayHaveMore, more }: Journal) {
  const judgeable = new Map(unjudged(rows).map(({ row, stretch }) => [row.place, stretch]));
  return (
    <section aria-labelledby="journal">
      <h2 id="journal">{t('journal.title')}</h2>
      {rows.length === 0 ? (
        <p>{t('journal.empty')}</p>
      ) : (
        <WideTable label={t('journal.title')} isCards className="journal">
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
            {rows.map((row) => {
              const stretch = judgeable.get(row.place);
              return (
                <tr key={row.place} class={row.priority}>
                  <td data-label={t('journal.time')}>
                    <time dateTime={new Date(row.atMs).toISOString()}>{when(row.atMs)}</time>
                  </td>
                  <td data-label={t('journal.asset')}>
                    <a href={href('assets', row.asset)}>{row.asset}</a>
                  </td>
                  <td data-label={t('journal.change')}>
                    <Change row={row} />
                  </td>
                  <td {...(toldOf(row) !== '' && { 'data-label': t('journal.what') })}>
                    <div>
                      {toldOf(row)}
                      {stretch !== undefined && mayOperate() && (
                        <div class="actions">
                          <VerdictButton target={{ ...row, stretch }} sentence={alarmSentence(bare(row), reader())} />
                        </div>
                      )}
                    </div>
                  </td>
                  <td {...((row.by !== null || row.comment !== null) && { 'data-label': t('journal.who') })}>
                    <div>
                      {row.by ?? ''}
                      {row.comment !== null && <small>{row.comment}</small>}
                    </div>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </WideTable>
      )}
      {mayHaveMore && (
        <button type="button" onClick={() => void more()}>
          {t('journal.more')}
        </button>
      )}
    </section>
  );
}

/** Which alarm, what somebody asked for, and what became of it. */
function Change({ row: { rule, tag, from, to, verb, about } }: { readonly row: JournalRow }) {
  return (
    <div>
      {word('rule', rule)} {tag !== null && leaf(tag)}
      {verb != null && (
        <>
          <br />
          <strong>{word('verb', verb)}</strong> {about !== undefined && t('journal.about', { stretch: stretchText(about) })}
        </>
      )}
      {from !== to && (
        <small>
          {t(`state.${from}` as Text)} → {t(`state.${to}` as Text)}
        </small>
      )}
    </div>
  );
}

/** The message without what the change of state added to it. */
const bare = (row: JournalRow): JournalRow => ({ ...row, message: row.message.replace(/^over: /, '') });

function toldOf(row: JournalRow): string {
  if (row.verb === 'tagReplaced') return row.message.replace(/ has a new sensor$/, '');
  // Of the machine, not of an alarm that was.
  return row.from === row.to && row.message === '' ? '' : transitionSentence(row, reader());
}
