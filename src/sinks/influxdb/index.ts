import type { SinkContext } from '../../core/sink.ts';
import { type InfluxdbConfig, influxdbSchema } from './config.ts';
import { InfluxdbSink } from './influxdb-sink.ts';

export const influxdbSink = {
  type: 'influxdb' as const,
  schema: influxdbSchema,
  create: (config: InfluxdbConfig, context: SinkContext): InfluxdbSink => new InfluxdbSink(config, context),
};
