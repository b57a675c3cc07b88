import type { Sink, SinkContext } from '../../core/sink.ts';
import { NoticeSink } from '../notices/notice-sink.ts';
import { type EmailConfig, emailSchema } from './config.ts';
import { EmailSender } from './email-sender.ts';

/** What has come together goes in one mail: a flood is one, not a thousand. */
const together = 100;

export const emailSink = {
  type: 'email' as const,
  schema: emailSchema,
  create: (config: EmailConfig, context: SinkContext): Sink =>
    new NoticeSink('email', config, context, new EmailSender(config, context), together),
};
