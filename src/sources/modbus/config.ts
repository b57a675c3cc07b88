import { z } from 'zod';
import { durationMs } from '../../core/fields.ts';
import { isSerial, lineSchemes, parseLineUrl } from './line-url.ts';
import { protocolLimit } from './table.ts';
import { countOf, modbusTagSchema } from './tag-config.ts';

const lineUrl = () =>
  z.string().superRefine((text, context) => {
    const issue = (message: string) => context.addIssue({ code: 'custom', message });
    const scheme = URL.canParse(text) ? new URL(text).protocol.slice(0, -1) : '';
    if (!lineSchemes.some((known) => known === scheme)) {
      issue('must be tcp://host:port, modbus+tls://host:port, rtu:///dev/… or rtu+tcp://host:port');
      return;
    }
    try {
      parseLineUrl(text);
    } catch (error) {
      issue((error as Error).message);
    }
  });

export const modbusSourceSchema = z
  .strictObject({
    id: z.string().min(1).describe('Name of the source in status, logs and errors.'),
    type: z.literal('modbus'),
    url: lineUrl().describe(
      'Device, gateway or line: tcp://host:502; modbus+tls://host:802; rtu:///dev/serial/by-id/…?baudRate=19200&parity=even&dataBits=8&stopBits=1; rtu+tcp://host:port for a serial server that passes RTU frames on. Sources with the same one share one connection and one queue.',
    ),
    unit: z.int().min(0).max(255).default(1).describe('Unit id of the tags that name none.'),
    poll: durationMs().prefault('1s').describe('Poll period of the tags that name none; polls fall on multiples of it since the epoch.'),
    timeout: durationMs().prefault('1s').describe('How long a unit may take to answer.'),
    turnaround: durationMs().prefault('0ms').describe('Pause of the line after each answer to this source.'),
    minInterval: durationMs().prefault('0ms').describe('Least time between two requests to one unit; some meters want seconds.'),
    drain: durationMs()
      .optional()
      .describe(
        'Serial lines: silence after a time-out before anything is sent, so that a late answer is nobody else’s; max(2 × timeout, 1s) when absent.',
      ),
    rs485: z
      .strictObject({
        rts: z.enum(['high', 'low']).describe('Level of RTS while sending.'),
        before: durationMs().prefault('0ms').describe('Pause between switching and sending.'),
        after: durationMs().prefault('0ms').describe('Pause between sending and switching back.'),
      })
      .optional()
      .describe('Serial ports whose driver is switched by RTS; most adapters switch by themselves and need none of this.'),
    tls: z
      .strictObject({
        ca: z.string().optional().describe('File with the certificate authority of the device, PEM.'),
        cert: z.string().optional().describe('File with the client certificate, PEM.'),
        key: z.string().optional().describe('File with the key of the client certificate, PEM.'),
        serverName: z.string().optional().describe('Name in the certificate of the device, when it is not that of the URL.'),
      })
      .optional()
      .describe('For modbus+tls.'),
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
    learn: z
      .boolean()
      .default(true)
      .describe(
        'Find out, and remember, how long a read each unit answers, what it refuses to be read across, and the pause it needs; false: only what is said here (maxRegisters, maxBits, bridgeRegisters, turnaround).',
      ),
    tags: z.array(modbusTagSchema).min(1).describe('What to read.'),
  })
  .superRefine((source, context) => {
    if (source.poll < 1) context.addIssue({ code: 'custom', path: ['poll'], message: 'must be at least 1ms' });
    checkLine(source, (path, message) => context.addIssue({ code: 'custom', path: [path], message }));
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

function checkLine(
  source: {
    readonly url: string;
    readonly inFlight: number;
    readonly drain?: number | undefined;
    readonly rs485?: object | undefined;
    readonly tls?: object | undefined;
  },
  issue: (path: string, message: string) => void,
): void {
  const serial = isSerial(source.url);
  if (serial && source.inFlight > 1) issue('inFlight', 'must be 1: a serial line has one request under way at a time');
  if (!serial && source.drain !== undefined) issue('drain', 'is for rtu and rtu+tcp; the answers of Modbus TCP have numbers');
  if (source.drain !== undefined && source.drain < 1) issue('drain', 'must be at least 1ms');
  if (!source.url.startsWith('rtu:') && source.rs485 !== undefined) issue('rs485', 'is for rtu');
  if (!source.url.startsWith('modbus+tls:') && source.tls !== undefined) issue('tls', 'is for modbus+tls');
}

export type ModbusSourceConfig = z.output<typeof modbusSourceSchema>;
export type { ModbusTagConfig } from './tag-config.ts';
