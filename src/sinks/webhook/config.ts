import { z } from 'zod';
import { durationMs, secret, url } from '../../core/fields.ts';
import { noticeFields } from '../notices/config.ts';
import { templateNames, unknownNames } from '../notices/words.ts';

export const webhookSchema = z.strictObject({
  id: z.string().min(1).describe('Name of this sink, for status pages and the outbox.'),
  type: z.literal('webhook'),
  url: url('http', 'https').describe('Where to: a POST for each alarm.'),
  headers: z
    .record(z.string().regex(/^[A-Za-z0-9-]+$/, 'must be the name of a header'), z.union([secret(), z.string()]))
    .default({})
    .describe('Further headers; values by reference where they are secret: { authorization: "${env:TOKEN}" }.'),
  secret: secret().optional().describe('Signs the body: header x-fettle-signature: sha256=HMAC of it. By reference.'),
  body: z
    .string()
    .superRefine((template, context) => {
      const unknown = unknownNames(template);
      if (unknown.length > 0)
        context.addIssue({ code: 'custom', message: `nothing is called ${unknown.join(', ')}; there are ${templateNames.join(', ')}` });
    })
    .optional()
    .describe(
      'Body with {asset}, {message}, {advice}, {link} …, for example {"text": "{asset}: {message}"}; the whole alarm event as JSON when absent.',
    ),
  contentType: z.string().default('application/json').describe('Of the body; values are escaped for JSON where it is JSON.'),
  timeout: durationMs().prefault('10s').describe('How long to wait for the answer.'),
  ...noticeFields,
});

export type WebhookConfig = z.output<typeof webhookSchema>;
