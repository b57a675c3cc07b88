import { readFileSync } from 'node:fs';
import { styleText } from 'node:util';
import { Command, InvalidArgumentError } from 'commander';
import { listen } from '../commissioning/mqtt-listen/report.ts';
import { errorText, FettleError } from '../core/errors.ts';
import { duration } from './arguments.ts';
import { renderListen } from './mqtt-view.ts';

interface ListenArguments {
  readonly for: number;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
  readonly qos: 0 | 1 | 2;
  readonly yaml?: boolean;
  readonly json?: boolean;
}

export function mqttCommand(): Command {
  const command = new Command('mqtt').description('Look into an MQTT broker before it is configured; nothing is published');
  command
    .command('listen <url> [filters...]')
    .description(
      "What topics there are, how often they come, how their payloads can be read, and a source for fettle.yaml: 'plant/#' in quotes",
    )
    .option('--for <duration>', 'how long; Ctrl-C ends it earlier, with what came so far', duration, 30_000)
    .option('--username <name>', 'at the broker')
    .option('--password-file <file>', 'file with the password')
    .option('--ca <file>', 'certificate authority of the broker, PEM')
    .option('--cert <file>', 'client certificate, PEM')
    .option('--key <file>', 'its key, PEM')
    .option('--server-name <name>', 'in the certificate of the broker, when it is not that of the URL')
    .option('--qos <level>', '1 or 2 show with which QoS is published, and give the broker more to do', qos, 0)
    .option('--yaml', 'only the source for fettle.yaml')
    .option('--json', 'one JSON document')
    .action(async (url: string, filters: string[], { json, yaml, passwordFile, for: forMs, qos: level, ...broker }: ListenArguments) => {
      if (filters.length === 0)
        throw new FettleError('FETTLE_COMMAND_INVALID', 'say what to listen to', {
          hint: `fettle mqtt listen ${url} 'plant/#' – in quotes, for a shell takes # for the beginning of a comment`,
        });
      const wrong = filters.find((filter) => !isFilter(filter));
      if (wrong !== undefined)
        throw new FettleError('FETTLE_COMMAND_INVALID', `"${wrong}" is no topic filter`, {
          hint: '+ stands alone between two /, and # alone at the end',
        });
      const live = json !== true && process.stderr.isTTY;
      const report = await listen({
        broker: {
          ...broker,
          url: address(url),
          ...(passwordFile !== undefined && { password: readPassword(passwordFile) }),
        },
        filters,
        forMs,
        qos: level,
        signal: untilInterrupted(),
        ...(passwordFile !== undefined && { passwordFile }),
        onProgress: (messages, topics) => {
          if (live) process.stderr.write(`\r\u001b[2K${messages} messages, ${topics} topics; Ctrl-C ends it`);
        },
      });
      if (live) process.stderr.write('\r\u001b[2K');
      if (json === true) process.stdout.write(`${JSON.stringify(report)}\n`);
      else if (yaml === true) process.stdout.write(report.yaml ?? '');
      else process.stdout.write(renderListen(report, paint));
      if (yaml === true && report.yaml === undefined) process.stderr.write(`${report.hints.map((hint) => `→ ${hint}`).join('\n')}\n`);
      if (report.messages === 0) process.exitCode = 1;
    });
  return command;
}

/** `10.0.0.5` → `mqtt://10.0.0.5:1883`. A password in a command line can be read by everybody on the machine. */
function address(text: string): string {
  const url = text.includes('://') ? text : `mqtt://${text}`;
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !['mqtt:', 'mqtts:'].includes(parsed.protocol) || parsed.hostname === '')
    throw new FettleError('FETTLE_COMMAND_INVALID', `"${text}" is no address of a broker`, {
      hint: 'mqtt://host:1883 or mqtts://host:8883',
    });
  if (parsed.username !== '' || parsed.password !== '')
    throw new FettleError('FETTLE_COMMAND_INVALID', 'a login does not belong into the URL', {
      hint: 'give --username, and --password-file with the password in a file',
    });
  const port = parsed.port === '' ? `:${parsed.protocol === 'mqtts:' ? 8883 : 1883}` : '';
  return `${parsed.protocol}//${parsed.host}${port}`;
}

/** MQTT 5, 4.7.1. */
function isFilter(filter: string): boolean {
  const levels = filter.split('/');
  return (
    filter !== '' &&
    !filter.includes('\0') &&
    levels.every((level, i) => level === '+' || (level === '#' && i === levels.length - 1) || !/[+#]/.test(level))
  );
}

function qos(text: string): 0 | 1 | 2 {
  const level = Number(text);
  if (level !== 0 && level !== 1 && level !== 2) throw new InvalidArgumentError('must be 0, 1 or 2');
  return level;
}

function readPassword(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new FettleError('FETTLE_COMMAND_INVALID', `the file ${file} cannot be read: ${errorText(error)}`);
  }
}

function untilInterrupted(): AbortSignal {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort(new FettleError('FETTLE_COMMAND_INVALID', 'interrupted')));
  return stop.signal;
}

const paint = (colour: 'bold' | 'dim' | 'green' | 'yellow' | 'red', text: string): string =>
  styleText(colour, text, { stream: process.stdout });
