import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Transporter } from 'nodemailer';
import type { AlarmTransition } from '../../core/alarm.ts';
import { errorText, FettleError } from '../../core/errors.ts';
import type { SinkContext } from '../../core/sink.ts';
import type { NoticeSender } from '../notices/notice-sink.ts';
import { fill, type Words, wordsOf } from '../notices/words.ts';
import type { EmailConfig } from './config.ts';

const subjectLength = 150;

/** One mail for what has come together. The same alarms have the same Message-ID, so that a repeat can be told. */
export class EmailSender implements NoticeSender {
  readonly #config: EmailConfig;
  readonly #context: SinkContext;
  #transport: Transporter | undefined;

  constructor(config: EmailConfig, context: SinkContext) {
    this.#config = config;
    this.#context = context;
  }

  async send(transitions: readonly AlarmTransition[], quiet: number, signal: AbortSignal): Promise<{ readonly rejected?: string }> {
    const { from, to, url } = this.#config;
    const words = transitions.map((transition) => wordsOf(transition, this.#context.site, this.#config.dashboard));
    const digest = createHash('sha256')
      .update(transitions.map(({ id }) => id).join('\n'))
      .digest('hex')
      .slice(0, 32);
    const transport = await this.#open();
    signal.throwIfAborted();
    let stop = (): void => {};
    // nodemailer has no way to give up a mail under way: it is not waited for.
    const aborted = new Promise<never>((_, reject) => {
      stop = () => reject(signal.reason as Error);
      signal.addEventListener('abort', stop, { once: true });
    });
    try {
      const sent = transport.sendMail({
        from,
        to: [...to],
        subject: this.#subject(words),
        text: this.#text(words, quiet),
        messageId: `<${digest}@fettle>`,
        headers: { 'Auto-Submitted': 'auto-generated' },
      });
      sent.catch(() => {});
      await Promise.race([sent, aborted]);
      return {};
    } catch (error) {
      signal.throwIfAborted();
      const { responseCode, response } = error as { responseCode?: number; response?: string };
      // A permanent answer (RFC 5321, 4.2.1), but for the login: that a person can mend.
      if (responseCode !== undefined && responseCode >= 550 && responseCode < 560)
        return { rejected: `${url} answered ${response ?? responseCode}` };
      throw new FettleError('FETTLE_NOTICE_FAILED', `${url}: ${errorText(error)}`, {
        cause: error,
        hint: responseCode === 535 ? 'check username and password' : 'is the mail server reachable, and does the address fit?',
      });
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  stop(): void {
    this.#transport?.close();
  }

  async #open(): Promise<Transporter> {
    if (this.#transport !== undefined) return this.#transport;
    const { createTransport } = await import('nodemailer');
    const { url, username, password, ca, timeout, requireTls = password !== undefined } = this.#config;
    const { protocol, hostname, port } = new URL(url);
    const secure = protocol === 'smtps:';
    this.#transport = createTransport({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port) || (secure ? 465 : 25),
      secure,
      requireTLS: requireTls && !secure,
      ...(username !== undefined && { auth: { user: username, pass: password?.reveal() ?? '' } }),
      ...(ca !== undefined && { tls: { ca: readFileSync(ca) } }),
      connectionTimeout: timeout,
      greetingTimeout: timeout,
      socketTimeout: timeout,
      disableFileAccess: true,
      disableUrlAccess: true,
    }) as Transporter;
    return this.#transport;
  }

  #subject(words: readonly Words[]): string {
    const [first] = words;
    const text =
      words.length === 1 && first !== undefined
        ? fill(this.#config.subject, first)
        : `[${this.#context.site}] ${words.length} changes of alarms: ${[...new Set(words.map(({ asset }) => asset))].join(', ')}`;
    // A line break would begin another header.
    return text.replaceAll(/\s+/g, ' ').slice(0, subjectLength);
  }

  #text(words: readonly Words[], quiet: number): string {
    const parts = words.map((one) =>
      this.#config.text
        .split('\n')
        .filter((line) => !/\{\w+\}/.test(line) || [...line.matchAll(/\{(\w+)\}/g)].some(([, name]) => one[name as keyof Words] !== ''))
        .map((line) => fill(line, one))
        .join('\n')
        .trim(),
    );
    const kept = quiet > 0 ? [`In the quiet hours before there were ${quiet} more; the dashboard has them.`] : [];
    return `${[...parts, ...kept].join('\n\n----\n\n')}\n`;
  }
}
