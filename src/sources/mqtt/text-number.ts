/** How numbers are written where they come as text. */
export interface NumberStyle {
  readonly decimal: 'point' | 'comma';
  /** Words that stand for numbers, in lower case. */
  readonly words: ReadonlyMap<string, number>;
}

/** A number that came as text. NaN: the device says that it has none. */
export interface TextNumber {
  readonly value: number;
  /** As written: "°C". */
  readonly unit: string | undefined;
}

const switched: readonly (readonly [string, number])[] = [
  ['true', 1],
  ['false', 0],
  ['on', 1],
  ['off', 0],
];
const missing = new Set([
  '',
  'nan',
  '-nan',
  'null',
  'none',
  'n/a',
  'na',
  '-',
  '--',
  '---',
  'inf',
  '-inf',
  'infinity',
  '-infinity',
  'unavailable',
  'unknown',
  'undefined',
]);
const longest = 64;

/** Digits in groups only where the decimal sign leaves no doubt: "1,234.5" is one number, "1,234" may be two different ones. */
const written = {
  point: /^([+-]?)(\d{1,3}(?:,\d{3})+(?=\.\d)|\d{1,3}(?:['’\u00a0\u202f]\d{3})+|\d+|(?=\.\d))(?:\.(\d*))?([eE][+-]?\d{1,3})?(?![\d.,:])/u,
  comma: /^([+-]?)(\d{1,3}(?:\.\d{3})+(?=,\d)|\d{1,3}(?:['’\u00a0\u202f]\d{3})+|\d+|(?=,\d))(?:,(\d*))?([eE][+-]?\d{1,3})?(?![\d.,:])/u,
} as const;

const letters = '[\\p{L}%°º‰µμΩ℃℉\u2033\u2032\ufffd]+';
const factor = `(?:${letters}(?:\\^?-?[1-4]|[²³⁻¹]+)?)`;
/** "°C", "%", "m3/h", "kg/m³", "mm/s", "1/min". Not "x1F" of 0x1F, not ":30" of 12:30. */
const unitPattern = new RegExp(`^(?:${factor}|1(?=/))(?:[/·*]${factor})*$`, 'u');
/** What is left of a hexadecimal number (0xFF) or of an exponent: "5 e3" is not five. */
const noUnit = /^(?:x|e(?!\p{L}))/iu;

export const numberStyle = (decimal: 'point' | 'comma', words: Readonly<Record<string, number>>): NumberStyle => ({
  decimal,
  words: new Map([...switched, ...Object.entries(words).map(([word, value]) => [word.toLowerCase(), value] as const)]),
});

/** "23.4", "1.234,5 kWh", "on", "n/a". Undefined for what is no number: "warm", "12:30", "10.0.0.7", "0x1F". */
export function parseTextNumber(text: string, style: NumberStyle): TextNumber | undefined {
  const bare = text.trim().replace('\u2212', '-');
  if (bare.length > longest) return undefined;
  const lower = bare.toLowerCase();
  const word = style.words.get(lower);
  if (word !== undefined) return { value: word, unit: undefined };
  if (missing.has(lower)) return { value: Number.NaN, unit: undefined };
  const found = written[style.decimal].exec(bare);
  if (found === null) return undefined;
  const [whole, sign, integer, fraction = '', exponent = ''] = found as unknown as [string, string, string, string?, string?];
  const value = Number(`${sign}${integer.replaceAll(/\D/g, '')}.${fraction || '0'}${exponent}`);
  const unit = bare.slice(whole.length).trim();
  if (unit === '') return { value, unit: undefined };
  return unitPattern.test(unit) && !noUnit.test(unit) ? { value, unit } : undefined;
}

const aliases: Readonly<Record<string, string>> = {
  C: '°C',
  celsius: '°C',
  Celsius: '°C',
  '\ufffdC': '°C',
  F: '°F',
  fahrenheit: '°F',
  Fahrenheit: '°F',
  '\ufffdF': '°F',
  percent: '%',
  '%RH': '%',
  '%rH': '%',
  '1/min': 'rpm',
  'min-1': 'rpm',
  'U/min': 'rpm',
};

/** One spelling for each unit; upper and lower case stay apart: mW is not MW. */
function plainUnit(text: string): string {
  const plain = text
    .replaceAll('º', '°')
    .replaceAll('⁻', '-')
    .normalize('NFKC')
    .replaceAll(/[\s^]/g, '')
    .replace(/^deg(?:rees?)?(?=[CFK]?$)/, '°');
  return aliases[plain] ?? plain;
}

export const sameUnit = (a: string, b: string): boolean => a === b || plainUnit(a) === plainUnit(b);
