/** One line of InfluxDB line protocol. */
export interface Line {
  readonly measurement: string;
  readonly tags: ReadonlyMap<string, string>;
  readonly fields: readonly (readonly [name: string, value: number | boolean | string])[];
  /** As it stands there; undefined where the line has none. */
  readonly time: string | undefined;
}

const float = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const integer = /^-?\d{1,19}i$|^\d{1,20}u$/;
const truths = new Map<string, boolean>([
  ...['t', 'T', 'true', 'True', 'TRUE'].map((text) => [text, true] as const),
  ...['f', 'F', 'false', 'False', 'FALSE'].map((text) => [text, false] as const),
]);

/** Calls `onLine` for each line that is one, `onProblem` for each that is not. Strings may hold line breaks (line protocol reference, "string"). */
export function readLineProtocol(text: string, onLine: (line: Line) => void, onProblem: (reason: string) => void): void {
  let at = 0;
  while (at < text.length) {
    const start = at;
    if (/[\r\n\s]/.test(text[at] as string)) {
      at++;
      continue;
    }
    if (text[at] === '#') {
      at = lineEnd(text, at);
      continue;
    }
    const scanner = new LineScanner(text, at);
    const line = scanner.line();
    if (typeof line === 'string') {
      onProblem(line);
      at = lineEnd(text, Math.max(start, scanner.at));
    } else {
      onLine(line);
      at = scanner.at;
    }
  }
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end + 1;
}

class LineScanner {
  readonly #text: string;
  at: number;

  constructor(text: string, at: number) {
    this.#text = text;
    this.at = at;
  }

  /** The line, or what is wrong with it. */
  line(): Line | string {
    const measurement = this.#word(', ');
    if (measurement === '') return 'a line without measurement';
    const tags = new Map<string, string>();
    while (this.#text[this.at] === ',') {
      this.at++;
      const key = this.#word('=, ');
      if (this.#text[this.at] !== '=') return `tag ${key} without a value`;
      this.at++;
      const value = this.#word(', =');
      if (key === '' || value === '') return 'a tag without name or value';
      tags.set(key, value);
    }
    if (!this.#spaces()) return 'a line without fields';
    const fields: [string, number | boolean | string][] = [];
    for (;;) {
      const name = this.#word('=, ');
      if (name === '' || this.#text[this.at] !== '=') return 'a field without a value';
      this.at++;
      const value = this.#value();
      if (value === undefined) return `field ${name} has no value that line protocol knows`;
      fields.push([name, value]);
      if (this.#text[this.at] !== ',') break;
      this.at++;
    }
    const time = this.#spaces() ? this.#word(' ') : '';
    this.#spaces();
    if (this.#text[this.at] === '\r') this.at++;
    if (this.at < this.#text.length && this.#text[this.at] !== '\n') return 'something stands behind the line';
    if (time !== '' && !/^-?\d{1,20}$/.test(time)) return `"${time.slice(0, 40)}" is not a time`;
    this.at++;
    return { measurement, tags, fields, time: time === '' ? undefined : time };
  }

  #spaces(): boolean {
    const from = this.at;
    while (this.#text[this.at] === ' ') this.at++;
    return this.at > from;
  }

  /** Up to one of the characters of `ends`, or the end of the line; a backslash takes their meaning from them. */
  #word(ends: string): string {
    let word = '';
    let from = this.at;
    while (this.at < this.#text.length) {
      const character = this.#text[this.at] as string;
      const next = this.#text[this.at + 1];
      if (character === '\\' && next !== undefined && ',= '.includes(next)) {
        word += this.#text.slice(from, this.at) + next;
        this.at += 2;
        from = this.at;
        continue;
      }
      if (ends.includes(character) || character === '\n' || character === '\r') break;
      this.at++;
    }
    return word + this.#text.slice(from, this.at);
  }

  #value(): number | boolean | string | undefined {
    if (this.#text[this.at] !== '"') {
      const word = this.#word(', ');
      if (integer.test(word)) return Number(word.slice(0, -1));
      return float.test(word) ? Number(word) : truths.get(word);
    }
    let value = '';
    for (this.at++; this.at < this.#text.length; this.at++) {
      const character = this.#text[this.at] as string;
      const next = this.#text[this.at + 1];
      if (character === '"') {
        this.at++;
        return value;
      }
      if (character === '\\' && (next === '"' || next === '\\')) this.at++;
      value += this.#text[this.at];
    }
    return undefined;
  }
}
