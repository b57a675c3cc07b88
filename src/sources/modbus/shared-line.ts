import type { ModbusSourceConfig } from './config.ts';
import { lineKey, parseLineUrl } from './line-url.ts';

/** What all sources of one line have to say alike, and the name by which they share it. */
export interface SharedLine {
  readonly line: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** What belongs to the line, not to a source. */
export function sharedLineOf({ url, drain, rs485, tls }: ModbusSourceConfig): SharedLine {
  const parsed = parseLineUrl(url);
  return { line: lineKey(parsed), settings: { ...('settings' in parsed && parsed.settings), drain, rs485, tls } };
}
