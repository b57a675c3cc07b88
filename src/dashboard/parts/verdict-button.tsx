import { useState } from 'preact/hooks';
import type { CommandVerb } from '../../core/control-row.ts';
import { t } from '../language.ts';
import { stretchText } from '../stretches.ts';
import { CommandDialog, type Target } from './command-dialog.tsx';

/** What a person can say an alarm of the detector was. */
export const verdicts: readonly CommandVerb[] = ['real', 'false', 'planned', 'newNormal'];

/** Only what the detector says can be right or wrong; a limit is a limit. */
export const canBeJudged = (rule: string): boolean => rule === 'anomaly' || rule === 'drift';

/** Asks what an alarm was, whether it stands or is long over. */
export function VerdictButton({ target, sentence }: { readonly target: Target; readonly sentence: string }) {
  const [isOpen, setOpen] = useState(false);
  const { asset, stretch } = target;
  const title = `${t('alarm.whatWasIt')} ${asset}`;
  return (
    <>
      <button type="button" aria-label={title} onClick={() => setOpen(true)}>
        {t('alarm.whatWasIt')}
      </button>
      {isOpen && (
        <CommandDialog title={title} submit={t('alarm.judge')} verbs={verdicts} target={target} onClose={() => setOpen(false)}>
          <p>
            {stretch !== undefined && <small>{stretchText(stretch)}</small>}
            {sentence}
          </p>
        </CommandDialog>
      )}
    </>
  );
}
