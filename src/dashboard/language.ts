import { signal } from '@preact/signals';
import { german } from './texts-de.ts';
import { english } from './texts-en.ts';

export type Text = keyof typeof english;
export const languages = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof languages;

const kept = localStorage.getItem('fettle.language');
const first: Language = kept === 'en' || kept === 'de' ? kept : navigator.language.startsWith('de') ? 'de' : 'en';
export const language = signal<Language>(first);

export function setLanguage(chosen: Language): void {
  localStorage.setItem('fettle.language', chosen);
  language.value = chosen;
}

/** How numbers and times are written: as the device has it, where it speaks the chosen language. */
export const locale = (): string => navigator.languages.find((one) => one.startsWith(language.value)) ?? language.value;

/** The reader's words; `{name}` is filled. */
export function t(text: Text, values: Readonly<Record<string, string | number>> = {}): string {
  const words = language.value === 'de' ? german[text] : english[text];
  return words.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''));
}

/** Words of the gateway that have a translation: states, rules, verbs; others stay as they are. */
export const word = (prefix: string, value: string): string => {
  const key = `${prefix}.${value}`;
  return key in english ? t(key as Text) : value;
};
