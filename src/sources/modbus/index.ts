import type { Source, SourceContext } from '../../core/source.ts';
import { type ModbusSourceConfig, modbusSourceSchema } from './config.ts';
import { Knowledge } from './knowledge.ts';
import { ModbusSource } from './modbus-source.ts';
import { sharedLineOf } from './shared-line.ts';

/** Poll period of each tag of a configuration, which is frozen: looked up once. */
const periodsOf = new WeakMap<ModbusSourceConfig, ReadonlyMap<string, number>>();

function periods(config: ModbusSourceConfig): ReadonlyMap<string, number> {
  const known = periodsOf.get(config);
  if (known !== undefined) return known;
  const found = new Map(config.tags.map(({ tag, poll }) => [tag, poll ?? config.poll]));
  periodsOf.set(config, found);
  return found;
}

export const modbusSource = {
  type: 'modbus' as const,
  schema: modbusSourceSchema,
  /** All tags it will bring. */
  tagsOf: (config: ModbusSourceConfig): string[] => config.tags.map(({ tag }) => tag),
  produces: (config: ModbusSourceConfig, tag: string): boolean => periods(config).has(tag),
  pollMsOf: (config: ModbusSourceConfig, tag: string): number => periods(config).get(tag) ?? config.poll,
  sharedLineOf,
  /** Whether what was learnt of a device, and kept, is of any use to this version. */
  readsMemory: (saved: unknown): boolean => Knowledge.reads(saved),
  create: (config: ModbusSourceConfig, context: SourceContext): Source => new ModbusSource(config, context),
};

export type { ModbusSourceConfig };
