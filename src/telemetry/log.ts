import { type DestinationStream, pino } from 'pino';
import type { Logger } from '../core/logger.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** JSON lines on standard error (standard output belongs to commands). Keys that may hold secrets are struck out wherever they stand. */
export function createLog(level: LogLevel, destination: DestinationStream = pino.destination({ dest: 2, sync: true })): Logger {
  const redact = ['password', 'token', 'key', '*.password', '*.token', '*.key'];
  return pino({ level, base: null, redact, timestamp: pino.stdTimeFunctions.isoTime }, destination) as Logger;
}
