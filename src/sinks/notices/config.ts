import { z } from 'zod';
import { priorities } from '../../core/alarm.ts';
import { durationMs } from '../../core/fields.ts';

const timeOfDay = () => z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day like 22:00');

const quietSchema = z.strictObject({
  from: timeOfDay().describe('Beginning, as on the wall clock.'),
  to: timeOfDay().describe('End; before the beginning: of the next day.'),
  timeZone: z
    .string()
    .refine((zone) => isTimeZone(zone), 'must be a time zone like Europe/Berlin')
    .optional()
    .describe('Whose clock; that of this machine when absent.'),
  except: z.enum(priorities).default('critical').describe('From this priority on it is sent all the same.'),
});

/** What sinks for people have in common. */
export const noticeFields = {
  when: z
    .array(z.enum(['raised', 'over', 'acknowledged']))
    .min(1)
    .default(['raised', 'over'])
    .describe('raised: something is wrong; over: it no longer is; acknowledged: somebody has seen it.'),
  priority: z.enum(priorities).default('low').describe('Least priority that is sent.'),
  assets: z.array(z.string().min(1)).min(1).optional().describe('Of these assets only; of all when absent.'),
  provisional: z.boolean().default(false).describe('Also alarms of models that have seen little so far.'),
  quiet: quietSchema.optional().describe('Hours in which nothing is sent; the next notice after them says how much there was.'),
  repeatAfter: durationMs().prefault('15m').describe('The same alarm is not told again before this time has passed.'),
  maxAge: durationMs().prefault('1d').describe('What could not be sent for so long is told to nobody any more; it stands in the journal.'),
  dashboard: z
    .string()
    .refine((text) => URL.canParse(text), 'must be a URL')
    .optional()
    .describe('Address of the dashboard for people, for links: https://gateway.plant:7171.'),
} as const;

export interface NoticeConfig {
  readonly when: readonly ('raised' | 'over' | 'acknowledged')[];
  readonly priority: (typeof priorities)[number];
  readonly assets?: readonly string[] | undefined;
  readonly provisional: boolean;
  readonly quiet?: z.output<typeof quietSchema> | undefined;
  readonly repeatAfter: number;
  readonly maxAge: number;
  readonly dashboard?: string | undefined;
}

function isTimeZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
