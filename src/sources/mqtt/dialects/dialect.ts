import type { Intake } from '../intake.ts';

/** Reads the payloads of one topic: values go to the intake, and so does what cannot be read. Never throws. */
export type PayloadReader = (text: string, intake: Intake) => void;

export type DialectName = 'json' | 'scalar' | 'csv' | 'influx';

/** Which dialect an MQTT 5 content type names; undefined where it names none of them. */
export function dialectOfContentType(contentType: string): DialectName | undefined {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (/[/+]json$/.test(type)) return 'json';
  if (/csv$|tab-separated-values$/.test(type)) return 'csv';
  if (/influx|line-?protocol/.test(type)) return 'influx';
  return undefined;
}

/** No two of its parts can take the same character: a text of nothing but `,a=b` is looked at once, not in every way there is. */
const line = /^(?!#)(?:\\.|[^\s,=\\])+(?:,(?:\\.|[^\s,=\\])+=(?:\\.|[^\s,=\\])+)* +(?:\\.|[^\s,=\\])+=\S/;

/** Which dialect a payload looks like. */
export function dialectOfText(text: string, isNumber: (text: string) => boolean): DialectName {
  if (/^\s*[[{]/.test(text)) return 'json';
  if (isNumber(text)) return 'scalar';
  return line.test(text) ? 'influx' : 'csv';
}
