/**
 * The grammars of MQTT payloads once more, character by character and without a regular expression of the code under test, so that
 * a mistake of the one is not a mistake of the other.
 */

const isDigit = (character: string | undefined): boolean =>
  character !== undefined && character >= '0' && character <= '9' && character.length === 1;
const isWordCharacter = (character: string | undefined): boolean =>
  isDigit(character) ||
  character === '_' ||
  (character !== undefined && ((character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z')));

export const stringOf = ({ tag, timeMs, value }: { tag: string; timeMs: number; value: number | undefined }): string =>
  `${tag}@${timeMs}=${value ?? 'bad'}`;

/** ms since the epoch; undefined for what is no time. */
export function refTime(raw: unknown, unit: 's' | 'ms' | undefined): number | undefined {
  if (typeof raw === 'number') {
    if (unit === 's') return raw * 1000;
    if (unit === 'ms') return raw;
    const size = Math.abs(raw);
    return size < 1e11 ? raw * 1000 : size < 1e14 ? raw : size < 1e17 ? raw / 1000 : raw / 1e6;
  }
  if (typeof raw !== 'string') return undefined;
  return refIso(raw) ?? (isPlainNumber(raw) ? refTime(Number(raw), unit) : undefined);
}

function isPlainNumber(text: string): boolean {
  const [whole = '', fraction, ...more] = text.split('.');
  const isDigits = (part: string): boolean => part !== '' && [...part].every(isDigit);
  return more.length === 0 && isDigits(whole) && (fraction === undefined || isDigits(fraction));
}

/** ISO 8601 as RFC 3339 narrows it, a zone or none; undefined for days and hours that do not exist. */
function refIso(text: string): number | undefined {
  let place = 0;
  const digits = (count: number): number | undefined => {
    const part = text.slice(place, place + count);
    if (part.length < count || ![...part].every(isDigit)) return undefined;
    place += count;
    return Number(part);
  };
  const take = (...characters: string[]): boolean => {
    if (!characters.includes(text[place] ?? '\n')) return false;
    place++;
    return true;
  };
  const year = digits(4);
  if (year === undefined || !take('-')) return undefined;
  const month = digits(2);
  if (month === undefined || !take('-')) return undefined;
  const day = digits(2);
  if (day === undefined) return undefined;
  let [hour, minute, second, ms] = [0, 0, 0, 0];
  let hasTime = false;
  if (take('T', ' ')) {
    hasTime = true;
    const h = digits(2);
    if (h === undefined || !take(':')) return undefined;
    const m = digits(2);
    if (m === undefined) return undefined;
    [hour, minute] = [h, m];
    if (take(':')) {
      const s = digits(2);
      if (s === undefined) return undefined;
      second = s;
      if (take('.')) {
        const from = place;
        while (isDigit(text[place])) place++;
        if (place === from) return undefined;
        ms = Math.floor(Number(`0.${text.slice(from, place)}`) * 1000 + 1e-6);
      }
    }
  }
  let offset = 0;
  if (text[place] === 'Z') place++;
  else if (text[place] === '+' || text[place] === '-') {
    const sign = text[place++] === '+' ? 1 : -1;
    const h = digits(2);
    if (text[place] === ':') place++;
    const m = digits(2);
    if (h === undefined || m === undefined || h > 23 || m > 59) return undefined;
    offset = sign * (h * 60 + m) * 60_000;
    if (!hasTime) return undefined;
  }
  if (place !== text.length || month < 1 || month > 12 || hour > 24 || minute > 59 || second > 59) return undefined;
  if (hour === 24 && minute + second + ms > 0) return undefined;
  if (day < 1 || day > new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate()) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getTime() + hour * 3_600_000 + minute * 60_000 + second * 1000 + ms - offset;
}

const missing = 'nan,-nan,null,none,n/a,na,-,--,---,inf,-inf,infinity,-infinity,unavailable,unknown,undefined'.split(',');
const narrow = ["'", '\u2019', '\u00a0', '\u202f'];

/** A number with what stands behind it; NaN where the device says that it has none; undefined for any other text. */
export function refNumber(
  text: string,
  decimal: 'point' | 'comma',
  words: Readonly<Record<string, number>>,
): { readonly value: number; readonly unit: string } | undefined {
  const bare = text.trim().replace('\u2212', '-');
  if (bare.length > 64) return undefined;
  const lower = bare.toLowerCase();
  for (const [word, value] of Object.entries({ true: 1, false: 0, on: 1, off: 0, ...words }))
    if (word.toLowerCase() === lower) return { value, unit: '' };
  if (bare === '' || missing.includes(lower)) return { value: Number.NaN, unit: '' };
  const mark = decimal === 'point' ? '.' : ',';
  const thousands = decimal === 'point' ? ',' : '.';
  let place = bare[0] === '+' || bare[0] === '-' ? 1 : 0;
  const sign = bare[0] === '-' ? '-' : '';
  const run = (): string => {
    const from = place;
    while (isDigit(bare[place])) place++;
    return bare.slice(from, place);
  };
  let whole = run();
  const threeBehind = (separators: readonly string[]): boolean =>
    separators.includes(bare[place] ?? '') && [1, 2, 3].every((i) => isDigit(bare[place + i]));
  const separators = bare[place] === thousands ? [thousands] : narrow;
  let groups = 0;
  while (whole.length > 0 && threeBehind(separators)) {
    place++;
    whole += bare.slice(place, place + 3);
    place += 3;
    groups++;
    if (isDigit(bare[place])) return undefined;
  }
  if (groups > 0 && whole.length - groups * 3 > 3) return undefined;
  let fraction = '';
  if (bare[place] === mark) {
    place++;
    fraction = run();
    if (whole === '' && fraction === '') return undefined;
    if (separators.length === 1 && fraction === '') return undefined;
  } else if (whole === '' || separators.length === 1) return undefined;
  let exponent = '';
  if (bare[place] === 'e' || bare[place] === 'E') {
    const from = place;
    place++;
    if (bare[place] === '+' || bare[place] === '-') place++;
    const digits = run();
    if (digits.length >= 1 && digits.length <= 3) exponent = bare.slice(from, place);
    else place = from;
  }
  if (isDigit(bare[place]) || ['.', ',', ':'].includes(bare[place] ?? '')) return undefined;
  const unit = bare.slice(place).trim();
  if (unit !== '' && !isUnit(unit)) return undefined;
  return { value: Number(`${sign}${whole}.${fraction || '0'}${exponent}`), unit };
}

/** Letters and signs of units, each with a small power, joined by / · *. What begins like an exponent or a hexadecimal number is none. */
function isUnit(text: string): boolean {
  const parts = text.split(/[/·*]/);
  return parts.every((part, i) => {
    if (part === '1') return i === 0 && parts.length > 1 && text[1] === '/';
    let end = part.length;
    if ('1234'.includes(part[end - 1] ?? 'x')) {
      end--;
      if (part[end - 1] === '-') end--;
      if (part[end - 1] === '^') end--;
    } else while ('²³⁻¹'.includes(part[end - 1] ?? 'x')) end--;
    const letters = part.slice(0, end);
    if (letters === '' || !/^[\p{L}%°º‰µμΩ℃℉\u2033\u2032\ufffd]+$/u.test(letters)) return false;
    return !(i === 0 && ['x', 'X', 'e', 'E'].includes(letters));
  });
}

/** RFC 8259, and the words of Python and C for what is no number. Objects are Maps. Undefined where it is no document. */
export function refJson(text: string): { readonly value: unknown } | undefined {
  let place = 0;
  const fail = (): never => {
    throw new SyntaxError(`at ${place}`);
  };
  const blank = (): void => {
    while (' \t\n\r'.includes(text[place] ?? 'x')) place++;
  };
  const string = (): string => {
    let value = '';
    place++;
    for (;;) {
      const character = text[place++];
      if (character === undefined || character < ' ') return fail();
      if (character === '"') return value;
      if (character !== '\\') {
        value += character;
        continue;
      }
      const escape = text[place++];
      const plain = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }[escape ?? ''];
      if (plain !== undefined) value += plain;
      else {
        const code = text.slice(place, place + 4);
        if (escape !== 'u' || code.length < 4 || ![...code].every((one) => '0123456789abcdefABCDEF'.includes(one))) return fail();
        value += String.fromCharCode(Number.parseInt(code, 16));
        place += 4;
      }
    }
  };
  const number = (): number => {
    const from = place;
    if (text[place] === '-') place++;
    const digits = (): void => {
      if (!isDigit(text[place])) fail();
      while (isDigit(text[place])) place++;
    };
    if (text[place] === '0') place++;
    else digits();
    if (text[place] === '.') {
      place++;
      digits();
    }
    if (text[place] === 'e' || text[place] === 'E') {
      place++;
      if (text[place] === '+' || text[place] === '-') place++;
      digits();
    }
    return Number(text.slice(from, place));
  };
  const word = (): unknown => {
    for (const [written, value] of [
      ['true', true],
      ['false', false],
      ['null', null],
    ] as const)
      if (text.startsWith(written, place)) {
        place += written.length;
        return value;
      }
    const from = '+-'.includes(text[place] ?? 'x') ? place + 1 : place;
    for (const written of ['NaN', 'nan', 'Infinity', 'inf', 'undefined', 'None'])
      if (text.startsWith(written, from) && !isWordCharacter(text[from + written.length])) {
        place = from + written.length;
        return null;
      }
    return fail();
  };
  const value = (): unknown => {
    blank();
    const character = text[place];
    if (character === '"') return string();
    if (character === '[') {
      const list: unknown[] = [];
      place++;
      blank();
      if (text[place] === ']') {
        place++;
        return list;
      }
      for (;;) {
        list.push(value());
        blank();
        if (text[place] === ']') {
          place++;
          return list;
        }
        if (text[place++] !== ',') fail();
      }
    }
    if (character === '{') {
      const map = new Map<string, unknown>();
      place++;
      blank();
      if (text[place] === '}') {
        place++;
        return map;
      }
      for (;;) {
        blank();
        if (text[place] !== '"') fail();
        const key = string();
        blank();
        if (text[place++] !== ':') fail();
        map.set(key, value());
        blank();
        if (text[place] === '}') {
          place++;
          return map;
        }
        if (text[place++] !== ',') fail();
      }
    }
    return isDigit(character) || (character === '-' && isDigit(text[place + 1])) ? number() : word();
  };
  try {
    const document = value();
    blank();
    return place === text.length ? { value: document } : undefined;
  } catch {
    return undefined;
  }
}

export function linesOf(text: string): string[] {
  const lines: string[] = [''];
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\r' || text[i] === '\n') {
      if (text[i] === '\r' && text[i + 1] === '\n') i++;
      lines.push('');
    } else lines[lines.length - 1] += text[i];
  }
  return lines.filter((line) => line.trim() !== '');
}

/** RFC 4180; undefined where a quotation mark is not closed, or something stands behind it. */
export function cellsOf(line: string, separator: string): string[] | undefined {
  const cells: string[] = [];
  let i = 0;
  for (;;) {
    let cell = '';
    if (line[i] === '"') {
      i++;
      for (;;) {
        if (i >= line.length) return undefined;
        if (line[i] === '"') {
          if (line[i + 1] !== '"') break;
          i++;
        }
        cell += line[i++];
      }
      i++;
      if (i < line.length && line[i] !== separator) return undefined;
    } else while (i < line.length && line[i] !== separator) cell += line[i++];
    cells.push(cell);
    if (i >= line.length) return cells;
    i++;
  }
}

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
    const digits = written.slice(0, -1).replace(/^-/, '');
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
