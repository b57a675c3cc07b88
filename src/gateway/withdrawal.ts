import type { AlarmTransition } from '../core/alarm.ts';

/** Takes back a transition that was published before a crash and that recovery did not find again. `id` is its id: asset:rule:… */
export function withdrawalOf(id: string, asset: string, sequence: number, atMs: number): AlarmTransition {
  const [, rule = 'anomaly'] = id.slice(asset.length).split(':');
  return {
    id,
    sequence,
    asset,
    rule: rule as AlarmTransition['rule'],
    tag: null,
    kind: 'alert',
    priority: 'low',
    from: 'unacknowledged',
    to: 'normal',
    atMs,
    ratio: null,
    message: 'withdrawn: published before a crash, and not confirmed by what was kept',
    findings: [],
    advice: null,
    consequence: null,
    provisional: false,
    model: null,
    by: null,
    comment: null,
    withdrawn: true,
  };
}
