import type { Source, SourceContext } from '../../core/source.ts';
import { type ModbusSourceConfig, modbusSourceSchema } from './config.ts';
import { ModbusSource } from './modbus-source.ts';

export const modbusSource = {
  type: 'modbus' as const,
  schema: modbusSourceSchema,
  produces: (config: ModbusSourceConfig, tag: string): boolean => config.tags.some((entry) => entry.tag === tag),
  pollMsOf: (config: ModbusSourceConfig, tag: string): number | undefined => config.tags.find((entry) => entry.tag === tag)?.poll ?? config.poll,
  create: (config: ModbusSourceConfig, context: SourceContext): Source => new ModbusSource(config, context),
};

export type { ModbusSourceConfig };
