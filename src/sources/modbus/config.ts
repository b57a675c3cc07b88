import { z } from 'zod';
import { durationMs, url } from '../../core/fields.ts';
import { protocolLimit } from './table.ts';
import { countOf, modbusTagSchema } from './tag-config.ts';

export const modbusSourceSchema = z
  .strictObject({
    id: z.string().min(1).describe('Name of the source in status, logs and errors.'),
    type: z.literal('modbus'),
    url: url('tcp').describe('Modbus TCP device or gateway: tcp://host:502.'),
    unit: z.int().min(0).max(255).default(1).describe('Unit id of the tags that name none.'),
    poll: durationMs().prefault('1s').describe('Poll period of the tags that name none; polls fall on multiples of it since the epoch.'),
    timeout: durationMs().prefault('1s').describe('How long a unit may take to answer.'),
    maxRegisters: z
      .int()
      .min(1)
      .max(protocolLimit.registers)
      .default(protocolLimit.registers)
      .describe('Most registers the device allows in one read.'),
    maxBits: z
      .int()
      .min(1)
      .max(protocolLimit.bits)
      .default(protocolLimit.bits)
      .describe('Most coils or discrete inputs the device allows in one read.'),
    bridgeRegisters: z
      .int()
      .min(0)
      .max(protocolLimit.registers)
      .default(8)
      .describe(
        'Unused registers worth reading to save a request (16 bits each in bit tables); 0: read tag by tag, sharing only what overlaps.',
      ),
    inFlight: z.int().min(1).max(16).default(1).describe('Requests under way at a time on the connection; many devices can do only one.'),
    tags: z.array(modbusTagSchema).min(1).describe('What to read.'),
  })
  .superRefine((source, context) => {
    if (source.poll < 1) context.addIssue({ code: 'custom', path: ['poll'], message: 'must be at least 1ms' });
    if (source.timeout < 1) context.addIssue({ code: 'custom', path: ['timeout'], message: 'must be at least 1ms' });
    const first = new Map<string, number>();
    source.tags.forEach((tag, index) => {
      const earlier = first.get(tag.tag);
      if (earlier !== undefined)
        context.addIssue({ code: 'custom', path: ['tags', index, 'tag'], message: `"${tag.tag}" is already tags[${earlier}]` });
      else first.set(tag.tag, index);
      if (countOf(tag) <= source.maxRegisters) return;
      context.addIssue({
        code: 'custom',
        path: ['tags', index, tag.type === 'string' ? 'length' : 'type'],
        message: `takes ${countOf(tag)} registers, more than maxRegisters (${source.maxRegisters}) allows in one read; a value is never split`,
      });
    });
  });

export type ModbusSourceConfig = z.output<typeof modbusSourceSchema>;
export type { ModbusTagConfig } from './tag-config.ts';
