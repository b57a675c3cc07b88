import { realpathSync } from 'node:fs';

export const parities = ['none', 'even', 'odd', 'mark', 'space'] as const;
export type Parity = (typeof parities)[number];

/** How the characters of a serial line are made. */
export interface LineSettings {
  readonly baudRate: number;
  readonly parity: Parity;
  readonly dataBits: 7 | 8;
  readonly stopBits: 1 | 2;
}

/** What the URL of a Modbus source says. */
export type LineUrl =
  | { readonly scheme: 'tcp' | 'modbus+tls'; readonly host: string; readonly port: number }
  | { readonly scheme: 'rtu+tcp'; readonly host: string; readonly port: number; readonly settings: LineSettings | undefined }
  | { readonly scheme: 'rtu'; readonly path: string; readonly settings: LineSettings };

export const lineSchemes = ['tcp', 'modbus+tls', 'rtu', 'rtu+tcp'] as const;

const defaultPort = { tcp: 502, 'modbus+tls': 802, 'rtu+tcp': 502 } as const;
/** As the standard wants it (Modbus over Serial Line V1.02, 3.2 and 3.3). */
const defaults: LineSettings = { baudRate: 19_200, parity: 'even', dataBits: 8, stopBits: 1 };
const keys = ['baudRate', 'parity', 'dataBits', 'stopBits'];

export const isSerial = (url: string): boolean => url.startsWith('rtu:') || url.startsWith('rtu+tcp:');

/** Throws an Error that says what is wrong with the text. */
export function parseLineUrl(text: string): LineUrl {
  const url = new URL(text);
  const scheme = url.protocol.slice(0, -1) as LineUrl['scheme'];
  const unknown = [...url.searchParams.keys()].find((key) => !(isSerial(text) && keys.includes(key)));
  if (unknown !== undefined)
    throw new Error(`"${unknown}" is not known in the URL${isSerial(text) ? `; there are ${keys.join(', ')}` : ''}`);
  if (scheme === 'rtu') {
    // rtu://COM3 on Windows, rtu:///dev/ttyUSB0 elsewhere.
    const path = url.host === '' ? decodeURIComponent(url.pathname) : url.host;
    if (path.length < 2) throw new Error('must name the port, as in rtu:///dev/ttyUSB0?baudRate=19200&parity=even');
    return { scheme, path, settings: settingsOf(url.searchParams) };
  }
  if (url.hostname === '') throw new Error(`must name a host, as in ${scheme}://host:${defaultPort[scheme]}`);
  const address = { host: url.hostname.replace(/^\[|\]$/g, '').toLowerCase(), port: Number(url.port) || defaultPort[scheme] };
  if (scheme !== 'rtu+tcp') return { scheme, ...address };
  return { scheme, ...address, settings: url.searchParams.size === 0 ? undefined : settingsOf(url.searchParams) };
}

function settingsOf(query: URLSearchParams): LineSettings {
  const numberOf = <T extends number>(key: 'baudRate' | 'dataBits' | 'stopBits', allowed?: readonly T[]): T => {
    const text = query.get(key);
    if (text === null) return defaults[key] as T;
    const value = Number(text);
    if (allowed === undefined ? Number.isInteger(value) && value >= 50 && value <= 4_000_000 : allowed.includes(value as T))
      return value as T;
    throw new Error(`${key}=${text}: must be ${allowed === undefined ? 'a number of bits a second' : allowed.join(' or ')}`);
  };
  const parity = (query.get('parity') ?? defaults.parity) as Parity;
  if (!parities.includes(parity)) throw new Error(`parity=${parity}: must be ${parities.join(', ')}`);
  return { baudRate: numberOf('baudRate'), parity, dataBits: numberOf('dataBits', [7, 8]), stopBits: numberOf('stopBits', [1, 2]) };
}

/** One name for one line: whoever has the same shares it. /dev/serial/by-id/… is the port it points to. */
export function lineKey(url: LineUrl): string {
  if (url.scheme !== 'rtu') return `${url.scheme}://${url.host}:${url.port}`;
  try {
    return `rtu://${realpathSync(url.path)}`;
  } catch {
    // Not plugged in now.
    return `rtu://${url.path}`;
  }
}

/** Bits of one character on the line: start, data, parity, stop. */
export const characterMs = ({ baudRate, parity, dataBits, stopBits }: LineSettings): number =>
  ((1 + dataBits + (parity === 'none' ? 0 : 1) + stopBits) * 1000) / baudRate;

/** Silence between frames: 3.5 characters, above 19,200 baud 1.75 ms (V1.02, 2.5.1.1). */
export const frameGapMs = (settings: LineSettings): number => (settings.baudRate > 19_200 ? 1.75 : 3.5 * characterMs(settings));
