import { styleText } from 'node:util';
import { Command, InvalidArgumentError } from 'commander';
import { Device } from '../commissioning/device.ts';
import { type ReadWish, readRange } from '../commissioning/read-registers.ts';
import { scanDevice } from '../commissioning/scan-device.ts';
import { readSunspec } from '../commissioning/sunspec.ts';
import { proposedTags } from '../commissioning/sunspec-tags.ts';
import { FettleError } from '../core/errors.ts';
import { duration, positive } from './arguments.ts';
import { renderRead, renderScan } from './modbus-view.ts';
import { renderSource, renderSunspec } from './sunspec-view.ts';

interface Span {
  readonly from: number;
  readonly to: number;
}

interface ReadArguments {
  readonly unit: number;
  readonly timeout: number;
  readonly holding?: Span;
  readonly input?: Span;
  readonly coil?: Span;
  readonly discrete?: Span;
  readonly json?: boolean;
}

interface SunspecArguments {
  readonly unit: number;
  readonly timeout: number;
  readonly prefix: string;
  readonly yaml?: boolean;
  readonly json?: boolean;
}

interface ScanArguments {
  readonly units: Span;
  readonly range: Span;
  readonly timeout: number;
  readonly pause: number;
  readonly requests: number;
  readonly json?: boolean;
}

const tables = { holding: 'holdingRegister', input: 'inputRegister', coil: 'coil', discrete: 'discreteInput' } as const;
const mostAtOnce = 1_000;

/** "100" or "100-120" */
function span(text: string): Span {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  const from = Number(match?.[1]);
  const to = Number(match?.[2] ?? match?.[1]);
  if (match === null || to < from || to > 65_535)
    throw new InvalidArgumentError('write an address or a range from 0 to 65535: 100 or 100-120');
  return { from, to };
}

function unit(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0 || number > 255) throw new InvalidArgumentError('must be 0 to 255');
  return number;
}

/** Ends with Ctrl-C: what was found so far is shown. */
function untilInterrupted(): AbortSignal {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort(new FettleError('FETTLE_COMMAND_INVALID', 'interrupted')));
  return stop.signal;
}

export function modbusCommand(): Command {
  const command = new Command('modbus').description('Look into a Modbus device before it is configured; only reads leave this machine');
  command
    .command('read <url>')
    .description('Registers in every type and word order side by side, the likely ones marked; addresses count from 0: 40001 is holding 0')
    .option('--unit <id>', 'unit id', unit, 1)
    .option('--holding <range>', 'holding registers: 100 or 100-120', span)
    .option('--input <range>', 'input registers', span)
    .option('--coil <range>', 'coils', span)
    .option('--discrete <range>', 'discrete inputs', span)
    .option('--timeout <duration>', 'how long an answer may take', duration, 1000)
    .option('--json', 'one JSON document')
    .action(async (url: string, { unit: id, timeout, json, ...wanted }: ReadArguments) => {
      const wishes = Object.entries(tables).flatMap(([option, table]): ReadWish[] => {
        const range = wanted[option as keyof typeof tables];
        return range === undefined ? [] : [{ unit: id, table, ...range }];
      });
      if (wishes.length === 0)
        throw new FettleError('FETTLE_COMMAND_INVALID', 'say what to read', {
          hint: `fettle modbus read ${url} --unit ${id} --holding 0-20`,
        });
      if (wishes.some(({ from, to }) => to - from >= mostAtOnce))
        throw new FettleError('FETTLE_COMMAND_INVALID', `${mostAtOnce} addresses at a time are enough for a person`, {
          hint: 'fettle modbus scan finds ranges',
        });
      const device = new Device({ url: address(url), timeoutMs: timeout, signal: untilInterrupted() });
      try {
        const results = [];
        for (const wish of wishes) results.push(await readRange(device, wish));
        process.stdout.write(
          json === true ? `${JSON.stringify(results)}\n` : results.map((result) => renderRead(result, paint)).join('\n'),
        );
        if (results.some(({ registers, bits }) => registers.length + bits.length === 0)) process.exitCode = 1;
      } finally {
        device.close();
      }
    });
  command
    .command('scan <url>')
    .description('Which units answer, and which tables and ranges they have; polite, and Ctrl-C shows what was found so far')
    .option('--units <range>', 'unit ids to ask', span, { from: 1, to: 32 })
    .option('--range <range>', 'addresses to look at', span, { from: 0, to: 9_999 })
    .option('--timeout <duration>', 'how long an answer may take', duration, 500)
    .option('--pause <duration>', 'between two requests: the device has other things to do', duration, 20)
    .option('--requests <number>', 'then it ends', positive, 5_000)
    .option('--json', 'one JSON document')
    .action(async (url: string, { units, range, timeout, pause, requests, json }: ScanArguments) => {
      const signal = untilInterrupted();
      const live = json !== true && process.stderr.isTTY;
      const device = new Device({ url: address(url), timeoutMs: timeout, pauseMs: pause, signal });
      try {
        const result = await scanDevice(
          device,
          {
            units: Array.from({ length: units.to - units.from + 1 }, (_, i) => units.from + i),
            ...range,
            mostRequests: requests,
            onProgress: (doing, sent) => {
              if (live) process.stderr.write(`\r\u001b[2K${doing} (${sent} requests)`);
            },
          },
          signal,
        );
        if (live) process.stderr.write('\r\u001b[2K');
        process.stdout.write(json === true ? `${JSON.stringify(result)}\n` : renderScan(result, url));
        if (result.found.length === 0) process.exitCode = 1;
      } finally {
        device.close();
      }
    });
  command
    .command('sunspec <url>')
    .description('What a SunSpec device (inverter, meter, battery) says of itself, with values; --yaml proposes the source')
    .option('--unit <id>', 'unit id', unit, 1)
    .option('--timeout <duration>', 'how long an answer may take', duration, 1000)
    .option('--prefix <name>', 'of the proposed tags', 'site/inverter')
    .option('--yaml', 'a source for fettle.yaml')
    .option('--json', 'one JSON document')
    .action(async (url: string, { unit: id, timeout, prefix, yaml, json }: SunspecArguments) => {
      const device = new Device({ url: address(url), timeoutMs: timeout, signal: untilInterrupted() });
      try {
        const found = await readSunspec(device, id);
        if (found === undefined)
          throw new FettleError('FETTLE_MODBUS_FRAMING', `${url}, unit ${id}: no "SunS" at holding register 40000, 50000 or 0`, {
            hint: 'many inverters speak SunSpec on unit 126 or 1, and only when it is switched on in their menu: try --unit',
          });
        if (json === true) process.stdout.write(`${JSON.stringify({ ...found, tags: proposedTags(found, prefix) })}\n`);
        else process.stdout.write(yaml === true ? renderSource(found, address(url), prefix) : renderSunspec(found, paint));
      } finally {
        device.close();
      }
    });
  return command;
}

/** `10.0.0.21` → `tcp://10.0.0.21:502` */
const address = (text: string): string => (text.includes('://') ? text : `tcp://${text}`);

const paint = (colour: 'bold' | 'dim' | 'green' | 'yellow' | 'red', text: string): string =>
  styleText(colour, text, { stream: process.stdout });
