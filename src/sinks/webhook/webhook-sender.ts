import { createHmac } from 'node:crypto';
import type { AlarmTransition } from '../../core/alarm.ts';
import { errorText, FettleError } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import type { SinkContext } from '../../core/sink.ts';
import type { NoticeSender } from '../notices/notice-sink.ts';
import { fill, wordsOf } from '../notices/words.ts';
import type { WebhookConfig } from './config.ts';

/** Busy, or not there at the moment: worth trying again (RFC 9110). */
const passing = new Set([408, 425, 429]);
const jsonEscaped = (value: string): string => JSON.stringify(value).slice(1, -1);

/** A POST for each alarm, in order; the transition's id is the idempotency key. */
export class WebhookSender implements NoticeSender {
  readonly #config: WebhookConfig;
  readonly #context: SinkContext;
  /** The id of the last one that was taken: of a batch that failed in the middle, the first ones are not sent again. */
  #taken = new Set<string>();

  constructor(config: WebhookConfig, context: SinkContext) {
    this.#config = config;
    this.#context = context;
  }

  async send(transitions: readonly AlarmTransition[], quiet: number, signal: AbortSignal): Promise<{ readonly rejected?: string }> {
    let rejected: string | undefined;
    for (const transition of transitions) {
      if (this.#taken.has(transition.id)) continue;
      rejected = (await this.#post(transition, quiet, signal)) ?? rejected;
      this.#taken.add(transition.id);
    }
    this.#taken = new Set();
    return rejected === undefined ? {} : { rejected };
  }

  stop(): void {}

  /** Returns why it was refused for good. Throws FETTLE_NOTICE_FAILED. */
  async #post(transition: AlarmTransition, quiet: number, signal: AbortSignal): Promise<string | undefined> {
    const { url, headers, secret, body: template, contentType, timeout, dashboard } = this.#config;
    const words = wordsOf(transition, this.#context.site, dashboard);
    const body =
      template === undefined
        ? JSON.stringify({
            site: words.site,
            ...transition,
            at: words.at,
            ...(words.link !== '' && { link: words.link }),
            ...(quiet > 0 && { keptBackInQuietHours: quiet }),
          })
        : fill(template, words, contentType.includes('json') ? jsonEscaped : undefined);
    let response: Response;
    try {
      response = await fetch(url, {
        method: 'POST',
        body,
        headers: {
          'content-type': contentType,
          'user-agent': 'fettle',
          'idempotency-key': transition.id,
          ...(secret !== undefined && {
            'x-fettle-signature': `sha256=${createHmac('sha256', secret.reveal()).update(body).digest('hex')}`,
          }),
          ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value instanceof Secret ? value.reveal() : value])),
        },
        // A redirect would take the secret elsewhere.
        redirect: 'error',
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]),
      });
    } catch (error) {
      throw new FettleError('FETTLE_NOTICE_FAILED', `${url}: ${errorText(error)}`, {
        cause: error,
        hint: 'is the receiver running, and does the address fit?',
      });
    }
    const said = (await response.text().catch(() => '')).slice(0, 200);
    if (response.ok) return undefined;
    const what = `${url} answered ${response.status} ${said}`.trim();
    if (response.status < 500 && !passing.has(response.status)) return what;
    const after = Number(response.headers.get('retry-after'));
    throw new FettleError('FETTLE_NOTICE_FAILED', what, after > 0 ? { retryAfterMs: Math.min(after, 3600) * 1000 } : {});
  }
}
