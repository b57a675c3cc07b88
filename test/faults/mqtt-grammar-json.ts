import { isDigit, isWordCharacter } from './mqtt-grammar.ts';

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
      const escaped = text[place++];
      const plain = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }[escaped ?? ''];
      if (plain !== undefined) value += plain;
      else {
        const code = text.slice(place, place + 4);
        if (escaped !== 'u' || code.length < 4 || ![...code].every((one) => '0123456789abcdefABCDEF'.includes(one))) return fail();
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
