import { german } from './texts-de.ts';
import { english } from './texts-en.ts';

export type Text = keyof typeof english;
export const languages = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof languages;
export type Values = Readonly<Record<string, string | number>>;

const catalogues: Readonly<Record<Language, Readonly<Record<Text, string>>>> = { en: english, de: german };

const spans: readonly (readonly [ms: number, unit: string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
];

/** How one reader is spoken to: texts, numbers and times in a language, a locale and a time zone (the device's when absent). */
export class Words {
  readonly language: Language;
  readonly locale: string;
  readonly #timeZone: string | undefined;
  readonly #plural: Intl.PluralRules;

  constructor(language: Language, locale: string = language, timeZone?: string) {
    this.language = language;
    this.locale = locale;
    this.#timeZone = timeZone;
    this.#plural = new Intl.PluralRules(language);
  }

  /** `{name}` is filled, numbers as the reader writes them. Where the text has a form `….one` and `count` is a number, the language says which one. */
  t(text: Text, values: Values = {}): string {
    const { count } = values;
    const one = `${text}.one`;
    const isOne = typeof count === 'number' && one in english && this.#plural.select(count) === 'one';
    return catalogues[this.language][isOne ? (one as Text) : text].replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      const value = values[name] ?? '';
      return typeof value === 'number' ? this.number(value, 15) : value;
    });
  }

  /** Words of the gateway that have a translation: states, rules, verbs; others stay as they are. */
  word(prefix: string, value: string): string {
    const key = `${prefix}.${value}`;
    return key in english ? this.t(key as Text) : value;
  }

  /** As many digits as a person reads off. */
  number(value: number | null | undefined, digits = 4): string {
    if (value === null || value === undefined || !Number.isFinite(value)) return '–';
    return new Intl.NumberFormat(this.locale, { maximumSignificantDigits: digits }).format(value);
  }

  withUnit(value: number | null | undefined, unit: string | null | undefined): string {
    return value === null || value === undefined ? '–' : `${this.number(value)}${unit ? ` ${unit}` : ''}`;
  }

  count(value: number): string {
    return new Intl.NumberFormat(this.locale, { maximumFractionDigits: 0 }).format(value);
  }

  percent(share: number, digits = 1): string {
    return new Intl.NumberFormat(this.locale, { style: 'percent', maximumFractionDigits: digits }).format(share);
  }

  /** How often a limit: two decimals where that says something. */
  ratio(value: number): string {
    const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
    return new Intl.NumberFormat(this.locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
  }

  time(ms: number, options: Intl.DateTimeFormatOptions): string {
    return new Intl.DateTimeFormat(this.locale, { ...options, timeZone: this.#timeZone }).format(new Date(ms));
  }

  clock(ms: number): string {
    return this.time(ms, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
  }

  moment(ms: number): string {
    return this.time(ms, { dateStyle: 'short', timeStyle: 'medium' });
  }

  /** Time of today, day and time of other days. */
  when(ms: number, nowMs = Date.now()): string {
    const day = (at: number): string => this.time(at, { dateStyle: 'short' });
    return day(ms) === day(nowMs) ? this.clock(ms) : this.moment(ms);
  }

  /** "3 h 12 min", "41 s": the two largest units. */
  duration(ms: number): string {
    if (!Number.isFinite(ms)) return '–';
    const at = spans.findIndex(([span]) => ms >= span);
    if (at < 0) return `${this.number(Math.max(0, Math.round(ms / 100) / 10))} s`;
    const [span, unit] = spans[at] as (typeof spans)[number];
    const whole = Math.floor(ms / span);
    const next = spans[at + 1];
    const rest = next === undefined || whole >= 10 ? 0 : Math.floor((ms - whole * span) / next[0]);
    return rest === 0 || next === undefined ? `${this.count(whole)} ${unit}` : `${whole} ${unit} ${rest} ${next[1]}`;
  }

  bytes(value: number): string {
    const units = ['B', 'kB', 'MB', 'GB', 'TB'];
    const at = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)));
    return `${this.number(value / 1000 ** at, 3)} ${units[at]}`;
  }
}
