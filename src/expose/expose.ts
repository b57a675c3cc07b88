import type { Config } from '../config/schema.ts';
import type { AlarmRule } from '../core/alarm.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { GatewayStatus } from '../gateway/status.ts';
import type { AlarmPlace } from './alarm-bits.ts';
import { ModbusServer } from './modbus-server.ts';
import { type Exposed, type Point, registerMap } from './register-map.ts';

/** Requests may come by the hundred: the status is made anew this often. */
const freshMs = 200;

/** Assets in the order of their registers. */
const placesOf = ({ expose, assets, tags }: Config): Required<AlarmPlace>[] =>
  (expose?.modbus?.assets ?? assets.map(({ id }) => id)).map((asset) => {
    const { tags: own = [], detector } = assets.find(({ id }) => id === asset) ?? {};
    const warns = detector?.drift !== undefined || detector?.learn !== undefined;
    const canStand = (rule: AlarmRule, tag: string | null): boolean => {
      if (tag === null) return rule === 'notWatched' || (rule === 'drift' ? warns : detector !== undefined);
      const { limits = {}, flatline, badQuality } = tags[tag] ?? {};
      if (rule === 'flatline') return flatline !== undefined;
      return rule === 'badQuality' ? badQuality !== undefined : limits[rule as keyof typeof limits] !== undefined;
    };
    return { asset, tags: own, canStand };
  });

/** The list for a person: alarms that can stand as things are configured. */
export const listedPoints = (config: Config): Point[] => registerMap(placesOf(config));

/** What is answered: each rule of each tag has its bit, so that a limit that is added needs no restart. */
const servedPoints = (config: Config): Point[] => registerMap(placesOf(config).map(({ asset, tags }) => ({ asset, tags })));

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
  const server = new ModbusServer(servedPoints(config), exposed, log);
  await server.start(hostname.replace(/^\[|\]$/g, ''), Number(port) || 502);
  log.info({ url: settings.url }, 'alarms and scores can be read over Modbus');
  return server;
}
