import { randomBytes, randomInt, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { FettleError } from '../../core/errors.ts';

const derive = promisify<string, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(scrypt);
/** OWASP Password Storage Cheat Sheet, scrypt: N 2^15, r 8, p 3; 32 MB. */
const cost = { N: 32_768, r: 8, p: 3 } as const;
const keyLength = 32;
/** Each costs 32 MB and a thread of the pool that files need too. */
const mostAtOnce = 2;
const mostWaiting = 20;

export const shortestPassword = 10;

/** Without letters and digits that look alike. */
const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789';

/** 20 characters in groups of five: 99 bits. */
export function randomPassword(): string {
  const characters = Array.from({ length: 20 }, () => alphabet[randomInt(alphabet.length)]);
  return [0, 5, 10, 15].map((at) => characters.slice(at, at + 5).join('')).join('-');
}

let running = 0;
const waiting: (() => void)[] = [];

/** Throws FETTLE_ACCESS_BUSY where too many ask at once. */
async function limited<Result>(work: () => Promise<Result>): Promise<Result> {
  if (running >= mostAtOnce) {
    if (waiting.length >= mostWaiting) throw new FettleError('FETTLE_ACCESS_BUSY', 'too many logins at once; try again in a moment');
    await new Promise<void>((resolve) => waiting.push(resolve));
  }
  running++;
  try {
    return await work();
  } finally {
    running--;
    waiting.shift()?.();
  }
}

/** As it is kept: `scrypt$N$r$p$salt$key`. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await limited(() => derive(password, salt, keyLength, { ...cost, maxmem: 2 ** 26 }));
  return ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64url'), key.toString('base64url')].join('$');
}

/** `hash` undefined: there is no such person; it takes as long as if there were. */
export async function isPassword(password: string, hash: string | undefined): Promise<boolean> {
  const [, N, r, p, salt = '', key = ''] = (hash ?? `scrypt$${cost.N}$${cost.r}$${cost.p}$AAAAAAAAAAAAAAAAAAAAAA$`).split('$');
  const wanted = Buffer.from(key, 'base64url');
  const given = await limited(() =>
    derive(password, Buffer.from(salt, 'base64url'), keyLength, { N: Number(N), r: Number(r), p: Number(p), maxmem: 2 ** 26 }),
  );
  return hash !== undefined && wanted.length === given.length && timingSafeEqual(wanted, given);
}
