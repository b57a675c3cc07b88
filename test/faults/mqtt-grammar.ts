/**
 * The grammars of MQTT payloads once more, character by character and without a regular expression of the code under test, so that
 * a mistake of the one is not a mistake of the other.
 */

export const isDigit = (character: string | undefined): boolean =>
  character !== undefined && character >= '0' && character <= '9' && character.length === 1;
export const isWordCharacter = (character: string | undefined): boolean =>
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
  while (whole !== '' && threeBehind(separators)) {
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
    return !(
      i === 0 &&
      (letters[0] === 'x' || letters[0] === 'X' || ((letters[0] === 'e' || letters[0] === 'E') && !/^\p{L}/u.test(letters.slice(1))))
    );
  });
}

export function linesOf(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\r' || text[i] === '\n') {
      if (text[i] === '\r' && text[i + 1] === '\n') i++;
      lines.push(line);
      line = '';
    } else line += text[i];
  }
  return [...lines, line].filter((one) => one.trim() !== '');
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
