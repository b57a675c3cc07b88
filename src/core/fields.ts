import { z } from 'zod';
import { parseBytes, parseDurationMs, parseTimesADay } from './duration.ts';
import { isReference, resolveReferences, Secret } from './secret.ts';

/**
 * The field types of fettle.yaml. A component declares its keys with these beside the code that reads them; every key
 * carries `.describe()` and, where it has one, `.default()`, from which reference and JSON Schema are made.
 */

/** `"250ms"`, `"10s"`, `"5m"`, `"2h"`, `"30d"` → milliseconds. */
export const durationMs = () =>
  z.string().transform((text, context) => {
    const ms = parseDurationMs(text);
    if (ms !== undefined) return ms;
    context.addIssue({ code: 'custom', message: `"${text}" is not a duration; write for example 250ms, 10s, 5m, 2h or 30d` });
    return z.NEVER;
  });

/** `"2GB"`, `"500MB"` → bytes. */
export const sizeBytes = () =>
  z.string().transform((text, context) => {
    const bytes = parseBytes(text);
    if (bytes !== undefined) return bytes;
    context.addIssue({ code: 'custom', message: `"${text}" is not a size; write for example 500MB or 2GB` });
    return z.NEVER;
  });

/** `"1/week"`, `"0.5/day"` → times a day. */
export const timesADay = () =>
  z.string().transform((text, context) => {
    const times = parseTimesADay(text);
    if (times !== undefined) return times;
    context.addIssue({ code: 'custom', message: `"${text}" is not a number a time; write for example 1/week or 2/day` });
    return z.NEVER;
  });

/** A password or token: only by reference, never in the file itself. */
export const secret = () =>
  z.string().transform((text, context) => {
    if (!isReference(text)) {
      context.addIssue({ code: 'custom', message: 'a secret is given by reference: ${env:NAME} or ${file:path}' });
      return z.NEVER;
    }
    try {
      return new Secret(resolveReferences(text));
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
      return z.NEVER;
    }
  });

/** A URL with one of these schemes. */
export const url = (...schemes: string[]) =>
  z
    .string()
    .refine(
      (text) => URL.canParse(text) && schemes.includes(new URL(text).protocol.slice(0, -1)),
      schemes.length === 1
        ? `must be a URL like ${schemes[0]}://host:port`
        : `must be a URL that begins with ${schemes.map((s) => `${s}://`).join(', ')}`,
    );

/** Levels of a tag or asset id: `line1/pump3/vibration`. Not what MQTT or the file system would read as something else. */
export const pathName = () =>
  z
    .string()
    .regex(/^[^\s+#/$\p{Cc}][^+#$\p{Cc}]*(?<![/\s])$/u, 'must be a name like line1/pump3/flow, without + # $, and no / at either end');
