import type { Sink, SinkContext } from '../../core/sink.ts';
import { NoticeSink } from '../notices/notice-sink.ts';
import { type WebhookConfig, webhookSchema } from './config.ts';
import { WebhookSender } from './webhook-sender.ts';

const together = 20;

export const webhookSink = {
  type: 'webhook' as const,
  schema: webhookSchema,
  create: (config: WebhookConfig, context: SinkContext): Sink =>
    new NoticeSink('webhook', config, context, new WebhookSender(config, context), together),
};
