import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { errorText, FettleError } from '../core/errors.ts';
import { type RuntimeFile, readRuntimeFile } from '../server/runtime-file.ts';

const waitMs = 30_000;

/** What commands are given that talk to a gateway. */
export interface Where {
  readonly config: string;
  readonly data?: string;
  readonly json?: boolean;
}

/** The options of `Where`. */
export const withWhere = (command: Command): Command =>
  command
    .option('-c, --config <file>', 'configuration', 'fettle.yaml')
    .option('--data <directory>', 'data directory, instead of that of the configuration')
    .option('--json', 'one JSON document');

/** Throws FETTLE_CONFIG_INVALID. */
export const directoryOf = ({ config, data }: Where): string => data ?? loadConfig(config).config.data;

/** How to reach the gateway on a data directory. What it shows as certificate is trusted: the file says so, and only the owner can write it. */
function gatewayOn(directory: string): RuntimeFile | undefined {
  const runtime = readRuntimeFile(directory);
  if (runtime?.certificate !== undefined) setDefaultCACertificates([...getCACertificates('default'), runtime.certificate]);
  return runtime;
}

/** A question to the gateway that runs on a data directory. Throws FETTLE_API_UNREACHABLE, and FETTLE_API_REQUEST with what the gateway says where it refuses. */
export async function askGateway<Answer>(
  directory: string,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: object,
  patienceMs = waitMs,
): Promise<Answer> {
  const runtime = gatewayOn(directory);
  if (runtime === undefined) {
    throw new FettleError('FETTLE_API_UNREACHABLE', `no gateway runs on ${directory}`, { hint: 'start one with fettle run' });
  }
  let response: Response;
  try {
    response = await fetch(`${runtime.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${runtime.token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(patienceMs),
    });
  } catch (error) {
    throw new FettleError(
      'FETTLE_API_UNREACHABLE',
      `the gateway at ${runtime.url} (process ${runtime.pid}) does not answer: ${errorText(error)}`,
      {
        cause: error,
        hint: 'it may have been killed; fettle run starts it again',
      },
    );
  }
  const answer = (await response.json()) as Answer & { readonly detail?: string };
  if (!response.ok) throw new FettleError('FETTLE_API_REQUEST', answer.detail ?? `the gateway answered ${response.status}`);
  return answer;
}

/** The lines of a long answer, as they come; undefined where no gateway runs on the directory. Throws as `askGateway`. */
export async function streamGateway(directory: string, path: string, query: object): Promise<AsyncIterable<string> | undefined> {
  const runtime = gatewayOn(directory);
  if (runtime === undefined) return undefined;
  const parameters = new URLSearchParams(Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]));
  const response = await fetch(`${runtime.url}${path}?${parameters}`, { headers: { authorization: `Bearer ${runtime.token}` } }).catch(
    () => undefined,
  );
  // Its file is left behind by one that was killed.
  if (response === undefined) return undefined;
  if (!response.ok || response.body === null)
    throw new FettleError('FETTLE_API_REQUEST', `the gateway answered ${response.status}: ${await response.text()}`);
  return createInterface({ input: Readable.fromWeb(response.body as never), crlfDelay: Number.POSITIVE_INFINITY });
}
