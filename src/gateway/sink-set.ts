import type { Config } from '../config/schema.ts';
import type { LiveSink, Sink, SinkContext } from '../core/sink.ts';
import { sinkDefinitions } from '../sinks/index.ts';
import { createAlerts } from '../sinks/mqtt/index.ts';

export interface SinkSet {
  /** All, in order of the configuration; alerts come first. */
  readonly sinks: readonly Sink[];
  /** Those that speak before the commit. */
  readonly live: readonly LiveSink[];
  readonly alerts: ReturnType<typeof createAlerts> | undefined;
}

const alertsId = 'alerts';

/** The sinks of a configuration, not yet started. */
export function createSinks(config: Config, contextOf: (id: string) => SinkContext): SinkSet {
  const alerts = config.alerts === undefined ? undefined : createAlerts(config.alerts, contextOf(alertsId));
  const configured = config.sinks.map((sink): Sink => {
    const definition = sinkDefinitions.find(({ type }) => type === sink.type) as (typeof sinkDefinitions)[number];
    return definition.create(sink as never, contextOf(sink.id));
  });
  const sinks: Sink[] = alerts === undefined ? configured : [alerts, ...configured];
  return { sinks, live: sinks.filter((sink): sink is LiveSink => 'announce' in sink), alerts };
}
