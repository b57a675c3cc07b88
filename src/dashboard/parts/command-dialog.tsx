import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { AboutStretch } from '../../core/alarm.ts';
import { type CommandVerb, isVerdict } from '../../core/control-row.ts';
import { post } from '../api.ts';
import { type Text, t } from '../language.ts';
import { tell } from '../state.ts';
import { Dialog } from './dialog.tsx';

/** The alarm a command is about. */
export interface Target {
  readonly asset: string;
  readonly rule: string;
  readonly tag: string | null;
  /** Of one that is over: what a verdict is about. */
  readonly stretch?: AboutStretch;
}

const shelveTimes = ['15m', '1h', '8h', '24h', '7d'] as const;

/** Sends a command about an alarm. Returns whether it was carried out; if not, that has been said. */
export async function send({ asset, rule, tag, stretch }: Target, verb: CommandVerb, more: object = {}): Promise<boolean> {
  const about =
    stretch === undefined || !isVerdict(verb) ? {} : { from: stretch.fromMs, ...(stretch.toMs !== null && { to: stretch.toMs }) };
  try {
    await post(`/commands/${verb}`, { asset, rule, ...(tag !== null && { tag }), ...about, ...more });
    return true;
  } catch (error) {
    tell(error);
    return false;
  }
}

/**
 * Asks what is needed before a command is sent: which one, each with a sentence of its own, for how long, and why. A verdict may go without a reason; `acknowledges`: a
 * comment may acknowledge as well.
 */
export function CommandDialog({
  title,
  submit,
  verbs,
  target,
  acknowledges = false,
  onClose,
  children,
}: {
  readonly title: string;
  /** On the button; the command's own word when absent, where there is one only. */
  readonly submit?: string;
  readonly verbs: readonly CommandVerb[];
  readonly target: Target;
  readonly acknowledges?: boolean;
  readonly onClose: () => void;
  readonly children?: ComponentChildren;
}) {
  const [only] = verbs.length === 1 ? verbs : [];
  const [verb, setVerb] = useState<CommandVerb | undefined>(only);
  const [reason, setReason] = useState('');
  const [lasts, setLasts] = useState<string>('1h');
  const [acknowledging, setAcknowledging] = useState(acknowledges);
  const [isBusy, setBusy] = useState(false);
  const isOptional = verb !== undefined && isVerdict(verb);
  const run = async (): Promise<void> => {
    if (verb === undefined) return;
    setBusy(true);
    const isDone = await send(target, verb === 'comment' && acknowledging ? 'acknowledge' : verb, {
      ...(reason.trim() !== '' && { comment: reason.trim() }),
      ...(verb === 'shelve' && { for: lasts }),
    });
    setBusy(false);
    if (isDone) onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        {children}
        {only !== undefined && <p>{t(`hint.${only}` as Text)}</p>}
        {only === undefined && (
          <fieldset class="choices">
            <legend class="only-read">{title}</legend>
            {verbs.map((one) => (
              <label key={one}>
                <input type="radio" name="verb" required checked={verb === one} onChange={() => setVerb(one)} />
                <span>
                  <strong>{t(`verb.${one}` as Text)}</strong>
                  <small>{t(`hint.${one}` as Text)}</small>
                </span>
              </label>
            ))}
          </fieldset>
        )}
        {verb === 'shelve' && (
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
          {t(verb === 'comment' ? 'alarm.comment' : isOptional ? 'alarm.reasonMay' : 'alarm.reason')}
          <textarea
            required={!isOptional}
            maxLength={2000}
            rows={3}
            value={reason}
            onInput={(event) => setReason(event.currentTarget.value)}
          />
        </label>
        {acknowledges && (
          <label class="check">
            <input type="checkbox" checked={acknowledging} onChange={(event) => setAcknowledging(event.currentTarget.checked)} />
            {t('alarm.acknowledgeToo')}
          </label>
        )}
        <div class="actions">
          <button type="submit" class="primary" disabled={isBusy}>
            {submit ?? (verb === undefined ? t('alarm.do') : t(`verb.${verb}` as Text))}
          </button>
          <button type="button" onClick={onClose}>
            {t('cancel')}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
