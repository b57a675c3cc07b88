import { dirname, join } from 'node:path';
import type { LoadedConfig } from '../config/load.ts';
import { systemClock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { startExposing } from '../expose/expose.ts';
import { version } from '../gateway/gateway.ts';
import { firstRunFile } from './access/access-control.ts';
import type { Role } from './access/roles.ts';
import type { LiveEvents } from './live-events.ts';
import { removeRuntimeFile, writeRuntimeFile } from './runtime-file.ts';
import type { Served } from './served.ts';
import { ApiServer } from './server.ts';
import { loadTls } from './tls.ts';

export interface RunningServer {
  readonly url: string;
  /** For the person at the terminal, at the first start; logs that person in with one click. */
  readonly firstLogin: FirstLogin | undefined;
  /** PEM of the certificate it shows, where it speaks TLS. */
  readonly certificate: string | undefined;
  /** A token for a program beside the gateway, in place of the one of that name. Returns its secret. */
  token(name: string, role: Role): string;
  stop(): Promise<void>;
}

export interface FirstLogin {
  readonly user: string;
  readonly password: string;
  readonly link: string;
}

export interface ServeOptions {
  readonly log: Logger;
  readonly live: LiveEvents;
  /** Somebody looks at a terminal: the first secret is told there and not kept in a file. */
  readonly isTerminal: boolean;
}

/** Dashboard and API for a gateway, and the file by which the command line finds it. Throws FETTLE_CONFIG_INVALID and FETTLE_ACCESS_INVALID. */
export async function serve(
  served: Served,
  { config, file }: LoadedConfig,
  { log, live, isTerminal }: ServeOptions,
): Promise<RunningServer> {
  const { data, server: settings } = config;
  const tls = await loadTls(config, dirname(file), systemClock.wallMs());
  const server = new ApiServer(served, {
    listen: settings.listen,
    names: settings.names,
    data,
    log,
    live,
    version,
    ...(tls !== undefined && { tls }),
  });
  const first = await server.access.firstRun(!isTerminal);
  server.access.recordConfiguration(file);
  const exposed = await startExposing(config, { status: () => served.gateway.status(), ratios: live.ratios }, log);
  await server.start();
  writeRuntimeFile(data, { pid: process.pid, url: server.url, token: server.token, ...(tls !== undefined && { certificate: tls.cert }) });
  if (first !== undefined && !isTerminal)
    log.warn(
      { file: join(data, firstRunFile) },
      'first start: the file has name and password for the dashboard; log in and choose one of your own',
    );
  return {
    url: server.url,
    firstLogin:
      first === undefined ? undefined : { user: first.user, password: first.password, link: `${server.url}/#login=${first.code}` },
    certificate: tls?.cert,
    token: (name, role) => {
      const { store } = server.access;
      for (const { id, name: other } of store.tokens()) if (other === name) store.removeToken(id);
      return store.addToken(name, role, new Date()).secret;
    },
    stop: async () => {
      await exposed?.stop();
      await server.stop();
      removeRuntimeFile(data);
    },
  };
}
