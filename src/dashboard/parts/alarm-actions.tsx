import { useState } from 'preact/hooks';
import type { CommandVerb } from '../../core/control-row.ts';
import { mayAct } from '../../server/access/roles.ts';
import { post } from '../api.ts';
import { type Text, t } from '../language.ts';
import { type AssetAlarm, session, tell } from '../state.ts';
import { Dialog } from './dialog.tsx';

interface Wanted {
  readonly verb: CommandVerb;
  readonly hasDuration: boolean;
}

const shelveTimes = ['15m', '1h', '8h', '24h', '7d'] as const;
/** What needs a reason or a time before it is done. */
const asked: Partial<Record<CommandVerb, Wanted>> = {
  shelve: { verb: 'shelve', hasDuration: true },
  suppress: { verb: 'suppress', hasDuration: false },
  outOfService: { verb: 'outOfService', hasDuration: false },
  newNormal: { verb: 'newNormal', hasDuration: false },
};

/** What a person can do with an alarm in its state. */
function verbsOf({ state, rule }: AssetAlarm): readonly CommandVerb[] {
  const verdicts: readonly CommandVerb[] = rule === 'anomaly' || rule === 'drift' ? ['real', 'false', 'planned', 'newNormal'] : [];
  switch (state) {
    case 'unacknowledged':
    case 'returnedUnacknowledged':
    case 'latchedUnacknowledged':
      return ['acknowledge', 'shelve', ...verdicts, 'suppress', 'outOfService'];
    case 'latchedAcknowledged':
      return ['reset', 'shelve', ...verdicts];
    case 'shelved':
      return ['unshelve'];
    case 'suppressedByDesign':
      return ['unsuppress'];
    case 'outOfService':
      return ['inService'];
    default:
      return ['shelve', ...verdicts, 'suppress', 'outOfService'];
  }
}

/** The buttons of one alarm. */
export function AlarmActions({ alarm }: { readonly alarm: AssetAlarm }) {
  const [dialog, setDialog] = useState<Wanted | undefined>(undefined);
  const [reason, setReason] = useState('');
  const [lasts, setLasts] = useState<string>('1h');
  const [isBusy, setBusy] = useState(false);
  const may = session.value !== null && session.value !== undefined && mayAct(session.value.role, 'operator');
  if (!may) return null;
  const { asset, rule, tag } = alarm;
  const run = async (verb: CommandVerb, more: object = {}): Promise<void> => {
    setBusy(true);
    try {
      await post(`/commands/${verb}`, { asset, rule, ...(tag !== null && { tag }), ...more });
      setDialog(undefined);
      setReason('');
    } catch (error) {
      tell(error);
    } finally {
      setBusy(false);
    }
  };
  const press = (verb: CommandVerb): void => {
    const wanted = asked[verb];
    if (wanted === undefined) void run(verb);
    else setDialog(wanted);
  };
  const name = `${asset} ${tag ?? ''}`;
  return (
    <div class="actions">
      {verbsOf(alarm).map((verb) => (
        <button
          key={verb}
          type="button"
          class={verb === 'acknowledge' ? 'primary' : ''}
          disabled={isBusy}
          title={t(`hint.${verb}` as Text)}
          aria-label={`${t(`verb.${verb}` as Text)}: ${name}`}
          onClick={() => press(verb)}
        >
          {t(`verb.${verb}` as Text)}
        </button>
      ))}
      {dialog !== undefined && (
        <Dialog title={`${t(`verb.${dialog.verb}` as Text)}: ${asset}`} onClose={() => setDialog(undefined)}>
          <form
            method="dialog"
            onSubmit={(event) => {
              event.preventDefault();
              void run(dialog.verb, { comment: reason, ...(dialog.hasDuration && { for: lasts }) });
            }}
          >
            <p>{t(`hint.${dialog.verb}` as Text)}</p>
            {dialog.hasDuration && (
              <label>
                {t('alarm.forHowLong')}
                <select value={lasts} onChange={(event) => setLasts(event.currentTarget.value)}>
                  {shelveTimes.map((time) => (
                    <option key={time} value={time}>
                      {t(`time.${time}` as Text)}
                    </option>
                  ))}
                </select>
              </label>
            )}
            <label>
              {t('alarm.reason')}
              <textarea required maxLength={2000} rows={3} value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
            </label>
            <div class="actions">
              <button type="submit" class="primary" disabled={isBusy}>
                {t(`verb.${dialog.verb}` as Text)}
              </button>
              <button type="button" onClick={() => setDialog(undefined)}>
                {t('cancel')}
              </button>
            </div>
          </form>
        </Dialog>
      )}
    </div>
  );
}
