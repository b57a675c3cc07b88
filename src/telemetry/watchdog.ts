import { execFile } from 'node:child_process';
import type { Logger } from '../core/logger.ts';

/** Tells systemd that the gateway is ready, and as long as it is asked to (`WatchdogSec`), that its event loop turns. Node has no datagram sockets of the Unix kind: systemd's own program says it. */
export function notifySystemd(log: Logger, environment: NodeJS.ProcessEnv = process.env): { stop(): void } {
  if (environment.NOTIFY_SOCKET === undefined) return { stop: () => {} };
  let hasFailed = false;
  const say = (...what: string[]): void => {
    execFile('systemd-notify', [`--pid=${process.pid}`, ...what], { env: environment, timeout: 5000 }, (error) => {
      if (error === null || hasFailed) return;
      hasFailed = true;
      log.warn({}, `systemd is not told how the gateway fares: ${error.message}`);
    });
  };
  say('--ready');
  const everyMs = Number(environment.WATCHDOG_USEC ?? 0) / 2000;
  const timer = everyMs > 0 ? setInterval(() => say('WATCHDOG=1'), everyMs) : undefined;
  return {
    stop: () => {
      clearInterval(timer);
      say('STOPPING=1');
    },
  };
}
