import { reader } from './language.ts';

/** In the reader's language and time zone. */
export const clock = (ms: number): string => reader().clock(ms);
export const moment = (ms: number): string => reader().moment(ms);
/** Time of today, day and time of other days. */
export const when = (ms: number): string => reader().when(ms);

/** As many digits as a person reads off. */
export const number = (value: number | null | undefined, digits?: number): string => reader().number(value, digits);
export const withUnit = (value: number | null | undefined, unit: string | null | undefined): string => reader().withUnit(value, unit);
export const count = (value: number): string => reader().count(value);
export const percent = (share: number, digits?: number): string => reader().percent(share, digits);
/** How often a limit. */
export const ratio = (value: number): string => reader().ratio(value);
/** "3 h 12 min", "41 s": the two largest units. */
export const duration = (ms: number): string => reader().duration(ms);
export const bytes = (value: number): string => reader().bytes(value);

/** Last level of a tag or asset. */
export const leaf = (name: string): string => name.slice(name.lastIndexOf('/') + 1);
