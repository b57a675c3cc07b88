import { z } from 'zod';
import { parseTimestamp } from '../../core/timestamp.ts';

/** ms since the epoch, or ISO 8601. */
export const instant = () =>
  z.string().transform((given, context) => {
    const ms = parseTimestamp(given);
    if (!Number.isNaN(ms)) return ms;
    context.addIssue({ code: 'custom', message: `"${given}" is not a time; write ms since the epoch or for example 2026-03-01T06:00:00Z` });
    return z.NEVER;
  });

/** `a,b,c` */
export const list = () => z.string().transform((text) => text.split(',').filter((item) => item !== ''));

export const done = z.object({ ok: z.literal(true) });
