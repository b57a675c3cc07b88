import { useState } from 'preact/hooks';
import { waitsForSomebody } from '../../core/alarm.ts';
import type { CommandVerb } from '../../core/control-row.ts';
import { mayAct } from '../../server/access/roles.ts';
import { reader, type Text, t } from '../language.ts';
import { alarmSentence } from '../sentences.ts';
import { type AssetAlarm, session } from '../state.ts';
import { CommandDialog, send } from './command-dialog.tsx';
import { canBeJudged, VerdictButton } from './verdict-button.tsx';

interface Offered {
  /** Done at once. */
  readonly direct: readonly CommandVerb[];
  readonly shelve: boolean;
  /** Keeps it from being shown until somebody ends that. */
  readonly putAway: boolean;
}

/** What a person can do with an alarm in its state. */
function offeredFor({ state }: AssetAlarm): Offered {
  const away: Pick<Offered, 'shelve' | 'putAway'> = { shelve: false, putAway: false };
  switch (state) {
    case 'unacknowledged':
    case 'returnedUnacknowledged':
    case 'latchedUnacknowledged':
      return { direct: ['acknowledge'], shelve: true, putAway: true };
    case 'latchedAcknowledged':
      return { direct: ['reset'], shelve: true, putAway: false };
    case 'shelved':
      return { direct: ['unshelve'], ...away };
    case 'suppressedByDesign':
      return { direct: ['unsuppress'], ...away };
    case 'outOfService':
      return { direct: ['inService'], ...away };
    default:
      return { direct: [], shelve: true, putAway: true };
  }
}

export const mayOperate = (): boolean => session.value != null && mayAct(session.value.role, 'operator');

type Open = 'shelve' | 'comment' | 'more';

/** The buttons of one alarm: what is done at once in front, everything else with a sentence about what it does. */
export function AlarmActions({ alarm }: { readonly alarm: AssetAlarm }) {
  const [open, setOpen] = useState<Open | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);
  if (!mayOperate()) return null;
  const { asset, rule, tag, state } = alarm;
  const { direct, shelve, putAway } = offeredFor(alarm);
  const name = `${asset} ${tag ?? ''}`.trim();
  const close = (): void => setOpen(undefined);
  const run = async (verb: CommandVerb): Promise<void> => {
    setBusy(true);
    await send(alarm, verb);
    setBusy(false);
  };
  const asks = (what: Open, text: Text) => (
    <button type="button" disabled={isBusy} aria-label={`${t(text)}: ${name}`} onClick={() => setOpen(what)}>
      {t(text)}
    </button>
  );
  return (
    <div class="actions">
      {direct.map((verb) => (
        <button
          key={verb}
          type="button"
          class={verb === 'acknowledge' ? 'primary' : ''}
          disabled={isBusy}
          aria-label={`${t(`verb.${verb}` as Text)}: ${name}`}
          onClick={() => void run(verb)}
        >
          {t(`verb.${verb}` as Text)}
        </button>
      ))}
      {shelve && asks('shelve', 'verb.shelve')}
      {canBeJudged(rule) && <VerdictButton target={{ asset, rule, tag }} sentence={alarmSentence(alarm, reader())} />}
      {asks('comment', 'verb.comment')}
      {putAway && asks('more', 'alarm.more')}
      {open === 'shelve' && <CommandDialog title={`${t('verb.shelve')}: ${name}`} verbs={['shelve']} target={alarm} onClose={close} />}
      {open === 'comment' && (
        <CommandDialog
          title={`${t('verb.comment')}: ${name}`}
          verbs={['comment']}
          target={alarm}
          acknowledges={waitsForSomebody(state)}
          onClose={close}
        />
      )}
      {open === 'more' && (
        <CommandDialog
          title={`${t('alarm.moreTitle')}: ${name}`}
          submit={t('alarm.do')}
          verbs={['suppress', 'outOfService']}
          target={alarm}
          onClose={close}
        />
      )}
    </div>
  );
}
