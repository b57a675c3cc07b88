import { isDigit } from './mqtt-grammar.ts';

export interface RefLine {
  readonly measurement: string;
  readonly tags: ReadonlyMap<string, string>;
  readonly fields: readonly (readonly [string, number | boolean | string])[];
  readonly time: string | undefined;
}

/** InfluxDB line protocol reference, v2. A line that is none is skipped to the next line break behind what was read of it. */
export function refInflux(text: string): RefLine[] {
  const lines: RefLine[] = [];
  let place = 0;
  const isBreak = (character: string | undefined): boolean => character === '\n' || character === '\r';
  const word = (ends: string): string => {
    let value = '';
    while (place < text.length && !ends.includes(text[place] as string) && !isBreak(text[place])) {
      if (text[place] === '\\' && ',= '.includes(text[place + 1] ?? '\n')) place++;
      value += text[place++];
    }
    return value;
  };
  const blanks = (): boolean => {
    const from = place;
    while (text[place] === ' ') place++;
    return place > from;
  };
  const fieldValue = (): number | boolean | string | undefined => {
    if (text[place] === '"') {
      let value = '';
      for (place++; place < text.length; ) {
        if (text[place] === '"') {
          place++;
          return value;
        }
        if (text[place] === '\\' && (text[place + 1] === '"' || text[place + 1] === '\\')) place++;
        value += text[place++];
      }
      return undefined;
    }
    const written = word(', ');
    if (['t', 'T', 'true', 'True', 'TRUE'].includes(written)) return true;
    if (['f', 'F', 'false', 'False', 'FALSE'].includes(written)) return false;
    const last = written.at(-1);
    const digits: string = written.slice(0, -1).replace(/^-/, '');
    if (last === 'i' || last === 'u') {
      if (digits === '' || ![...digits].every(isDigit) || digits.length > (last === 'i' ? 19 : 20) || (last === 'u' && written[0] === '-'))
        return undefined;
      return Number(written.slice(0, -1));
    }
    return isFloat(written) ? Number(written) : undefined;
  };
  const line = (): RefLine | undefined => {
    const measurement = word(', ');
    if (measurement === '') return undefined;
    const tags = new Map<string, string>();
    while (text[place] === ',') {
      place++;
      const key = word('=, ');
      if (text[place] !== '=') return undefined;
      place++;
      const value = word(', =');
      if (key === '' || value === '') return undefined;
      tags.set(key, value);
    }
    if (!blanks()) return undefined;
    const fields: [string, number | boolean | string][] = [];
    for (;;) {
      const key = word('=, ');
      if (key === '' || text[place] !== '=') return undefined;
      place++;
      const value = fieldValue();
      if (value === undefined) return undefined;
      fields.push([key, value]);
      if (text[place] !== ',') break;
      place++;
    }
    let time = '';
    if (blanks()) time = word(' ');
    blanks();
    if (text[place] === '\r') place++;
    if (place < text.length && text[place] !== '\n') return undefined;
    const digits = time.replace(/^-/, '');
    if (time !== '' && (digits === '' || digits.length > 20 || ![...digits].every(isDigit))) return undefined;
    return { measurement, tags, fields, time: time === '' ? undefined : time };
  };
  while (place < text.length) {
    if ((text[place] as string).trim() === '') {
      place++;
      continue;
    }
    const found = text[place] === '#' ? undefined : line();
    if (found !== undefined) lines.push(found);
    while (place < text.length && text[place] !== '\n') place++;
  }
  return lines;
}

function isFloat(text: string): boolean {
  let place = text[0] === '+' || text[0] === '-' ? 1 : 0;
  const run = (): number => {
    const from = place;
    while (isDigit(text[place])) place++;
    return place - from;
  };
  const whole = run();
  let fraction = 0;
  if (text[place] === '.') {
    place++;
    fraction = run();
  }
  if (whole + fraction === 0) return false;
  if (text[place] === 'e' || text[place] === 'E') {
    place++;
    if (text[place] === '+' || text[place] === '-') place++;
    if (run() === 0) return false;
  }
  return place === text.length;
}
