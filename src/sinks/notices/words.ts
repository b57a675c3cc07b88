import type { AlarmTransition } from '../../core/alarm.ts';
import { kindOf } from './selection.ts';

/** What a template may name. */
export const templateNames = [
  'site',
  'asset',
  'what',
  'rule',
  'tag',
  'priority',
  'kind',
  'state',
  'message',
  'advice',
  'consequence',
  'at',
  'by',
  'comment',
  'link',
  'id',
] as const;
export type TemplateName = (typeof templateNames)[number];
export type Words = Readonly<Record<TemplateName, string>>;

const plain = { raised: 'ALARM', over: 'OVER', acknowledged: 'ACKNOWLEDGED' } as const;

/** An alarm transition in words. `dashboard`: where a person can look. */
export function wordsOf(transition: AlarmTransition, site: string, dashboard: string | undefined): Words {
  const { id, asset, rule, tag, priority, kind, to, message, advice, consequence, atMs, by, comment } = transition;
  const what = kindOf(transition);
  return {
    site,
    asset,
    what: what === undefined ? to : plain[what],
    rule,
    tag: tag ?? '',
    priority,
    kind,
    state: to,
    message,
    advice: advice ?? '',
    consequence: consequence ?? '',
    at: new Date(atMs).toISOString(),
    by: by ?? '',
    comment: comment ?? '',
    link: dashboard === undefined ? '' : `${dashboard.replace(/\/$/, '')}/#/assets/${encodeURIComponent(asset)}`,
    id,
  };
}

/** `{asset}: {message}` filled; `safe` makes each value fit for where it goes. */
export const fill = (template: string, words: Words, safe: (value: string) => string = (value) => value): string =>
  template.replaceAll(/\{(\w+)\}/g, (whole, name: string) => (name in words ? safe(words[name as TemplateName]) : whole));

/** Names in a template that nothing stands for. */
export const unknownNames = (template: string): string[] =>
  [...template.matchAll(/\{(\w+)\}/g)]
    .map(([, name]) => name as string)
    .filter((name) => !(templateNames as readonly string[]).includes(name));
