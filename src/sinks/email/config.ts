import { z } from 'zod';
import { durationMs, secret, url } from '../../core/fields.ts';
import { noticeFields } from '../notices/config.ts';
import { templateNames, unknownNames } from '../notices/words.ts';

const template = () =>
  z.string().superRefine((text, context) => {
    const unknown = unknownNames(text);
    if (unknown.length > 0)
      context.addIssue({ code: 'custom', message: `nothing is called ${unknown.join(', ')}; there are ${templateNames.join(', ')}` });
  });
const address = () => z.string().regex(/^[^\s@]+@[^\s@]+$|^[^<>]+<[^\s@]+@[^\s@]+>$/, 'must be a mail address');

export const emailSchema = z.strictObject({
  id: z.string().min(1).describe('Name of this sink, for status pages and the outbox.'),
  type: z.literal('email'),
  url: url('smtp', 'smtps').describe('Mail server: smtp://mail:25 or :587 (with STARTTLS where the server has it), smtps://mail:465.'),
  username: z.string().optional().describe('User name at the mail server.'),
  password: secret().optional().describe('Password, by reference.'),
  ca: z.string().optional().describe('File with the certificate authority of the mail server, PEM.'),
  requireTls: z.boolean().optional().describe('Nothing is sent in the clear; true with a password when absent.'),
  from: address().describe('Sender.'),
  to: z.array(address()).min(1).describe('Receivers.'),
  subject: template().default('[{site}] {what} {asset}: {message}').describe('Subject of a mail about one alarm.'),
  text: template()
    .default('{what}: {asset}\n{message}\n\nWhat to do: {advice}\nOtherwise: {consequence}\n\n{priority} {kind}, {at}\n{link}')
    .describe('Text for each alarm; lines whose names are all empty are left out.'),
  timeout: durationMs().prefault('30s').describe('How long the mail server may take.'),
  ...noticeFields,
});

export type EmailConfig = z.output<typeof emailSchema>;
