import { computed, signal } from '@preact/signals';
import { type Language, type Text, type Values, Words } from './words.ts';

export { type Language, languages, type Text } from './words.ts';

const kept = localStorage.getItem('fettle.language');
const first: Language = kept === 'en' || kept === 'de' ? kept : navigator.language.startsWith('de') ? 'de' : 'en';
export const language = signal<Language>(first);

export function setLanguage(chosen: Language): void {
  localStorage.setItem('fettle.language', chosen);
  language.value = chosen;
}

/** How numbers and times are written: as the device has it, where it speaks the chosen language. */
export const locale = (): string => navigator.languages.find((one) => one.startsWith(language.value)) ?? language.value;

const words = computed(() => new Words(language.value, locale()));
/** How the reader is spoken to now. */
export const reader = (): Words => words.value;

/** The reader's words; `{name}` is filled, and `count` chooses between one and many. */
export const t = (text: Text, values?: Values): string => reader().t(text, values);

/** Words of the gateway that have a translation: states, rules, verbs; others stay as they are. */
export const word = (prefix: string, value: string): string => reader().word(prefix, value);
