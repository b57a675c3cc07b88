import type { AlarmTransition } from '@fettle/gateway';

/** What a message's topic says where it brings a command. */
export const verbs: ReadonlySet<string> = new Set([
  'acknowledge',
  'shelve',
  'unshelve',
  'real',
  'false',
  'planned',
  'newNormal',
  'comment',
  'maintenanceStart',
  'maintenanceEnd',
  'reset',
]);

/** A change of an alarm as it travels in a flow. */
export const transitionPayload = (transition: AlarmTransition): object => {
  const { asset, rule, from: previous, to, message, priority, advice, findings, atMs, provisional, by, comment, verb = null } = transition;
  return {
    asset,
    active: to === 'unacknowledged' || to === 'acknowledged',
    state: to,
    previous,
    rule,
    priority,
    message,
    advice,
    findings,
    provisional,
    verb,
    by,
    comment,
    time: new Date(atMs).toISOString(),
  };
};
