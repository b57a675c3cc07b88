import type { Config } from '../config/schema.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { GatewayStatus } from '../gateway/status.ts';
import { ModbusServer } from './modbus-server.ts';
import { type Exposed, type Point, registerMap } from './register-map.ts';

/** Requests may come by the hundred: the status is made anew this often. */
const freshMs = 200;

/** Points of a configuration, for the server and for the list. */
export const exposedPoints = ({ expose, assets }: Config): Point[] => registerMap(expose?.modbus?.assets ?? assets.map(({ id }) => id));

export interface ExposedOf {
  status(): GatewayStatus;
  readonly ratios: ReadonlyMap<string, number>;
}

/** Starts what the configuration exposes; undefined where it exposes nothing. Throws FETTLE_CONFIG_INVALID. */
export async function startExposing(
  config: Config,
  of: ExposedOf,
  log: Logger,
  clock: Clock = systemClock,
): Promise<ModbusServer | undefined> {
  const settings = config.expose?.modbus;
  if (settings === undefined) return undefined;
  const { hostname, port } = new URL(settings.url);
  const beganMs = clock.monotonicMs();
  let last: { readonly atMs: number; readonly status: GatewayStatus } | undefined;
  const exposed = (): Exposed => {
    const atMs = clock.monotonicMs();
    if (last === undefined || atMs - last.atMs > freshMs) last = { atMs, status: of.status() };
    return { status: last.status, ratios: of.ratios, nowMs: clock.wallMs(), heartbeat: Math.floor((atMs - beganMs) / 1000) };
  };
  const server = new ModbusServer(exposedPoints(config), exposed, log);
  await server.start(hostname.replace(/^\[|\]$/g, ''), Number(port) || 502);
  log.info({ url: settings.url }, 'alarms and scores can be read over Modbus');
  return server;
}
