import { readFileSync } from 'node:fs';
import { errorText, FettleError, hasCode } from '../../core/errors.ts';
import { DrainGuard } from './drain-guard.ts';
import { characterMs, frameGapMs, type LineSettings, parseLineUrl } from './line-url.ts';
import { unreachable } from './modbus-error.ts';
import { RtuTransport } from './rtu-transport.ts';
import { type Rs485Switches, SerialPort } from './serial-port.ts';
import { TcpPort } from './tcp-port.ts';
import { TcpTransport } from './tcp-transport.ts';
import type { OpenTransport } from './transport.ts';

/** A checked part of a source's configuration; all but the URL may be left out. */
export interface TransportConfig {
  readonly url: string;
  /** Of one answer, ms. */
  readonly timeout: number;
  /** Silence after a serial time-out, ms. */
  readonly drain?: number | undefined;
  readonly rs485?: Rs485Switches | undefined;
  readonly tls?: TlsFiles | undefined;
}

/** Paths of PEM files. */
export interface TlsFiles {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly serverName?: string | undefined;
}

const shortestDrainMs = 1000;

/** max(2 × timeout, 1 s): twice what is believed of the slowest answer. */
export const defaultDrainMs = (timeoutMs: number): number => Math.max(2 * timeoutMs, shortestDrainMs);

/**
 * Opens transports to one line, one after the other: Modbus TCP (also in TLS) or RTU, over a serial port or a TCP socket. What
 * was owed to one transport is remembered for the next.
 */
export function transportOpener({ url, timeout, drain, rs485, tls }: TransportConfig): OpenTransport {
  const target = parseLineUrl(url);
  if (!('settings' in target)) {
    const secured = target.scheme === 'modbus+tls' || tls !== undefined;
    return (signal) => {
      const files = secured ? readTls(url, tls ?? {}) : undefined;
      return TcpTransport.open({ url, timeoutMs: timeout, ...target, ...(files !== undefined && { tls: files }) }, signal);
    };
  }
  const { settings } = target;
  const character = settings === undefined ? 0 : characterMs(settings);
  const guard = new DrainGuard({ drainMs: drain ?? defaultDrainMs(timeout), quietMs: settings === undefined ? 0 : frameGapMs(settings) });
  const options = { url, timeoutMs: timeout, characterMs: character, guard };
  return async (signal) => {
    try {
      const port =
        target.scheme === 'rtu'
          ? await SerialPort.open({ ...(settings as LineSettings), path: target.path, rs485, characterMs: character }, signal)
          : await TcpPort.open(target, signal);
      return new RtuTransport(port, options);
    } catch (error) {
      if (hasCode(error, 'FETTLE_MODBUS_UNREACHABLE')) throw error;
      throw target.scheme === 'rtu' ? portProblem(url, error) : unreachable(url, errorText(error), error);
    }
  };
}

function portProblem(url: string, cause: unknown): FettleError {
  const text = errorText(cause);
  const hint = /permission|access denied/i.test(text)
    ? 'add the user of the gateway to the group of the port (often dialout), then start it anew'
    : /lock|busy|temporarily unavailable/i.test(text)
      ? 'another program has the port; end it'
      : 'check that the adapter is plugged in; a name below /dev/serial/by-id stays the same';
  return new FettleError('FETTLE_MODBUS_UNREACHABLE', `${url}: ${text}`, { cause, hint });
}

function readTls(url: string, { ca, cert, key, serverName }: TlsFiles) {
  const read = (file: string | undefined): Buffer | undefined => {
    try {
      return file === undefined ? undefined : readFileSync(file);
    } catch (cause) {
      throw new FettleError('FETTLE_MODBUS_UNREACHABLE', `${url}: ${file} cannot be read`, { cause, hint: 'check the files under tls' });
    }
  };
  const [caText, certText, keyText] = [read(ca), read(cert), read(key)];
  return {
    ...(caText !== undefined && { ca: caText }),
    ...(certText !== undefined && { cert: certText }),
    ...(keyText !== undefined && { key: keyText }),
    ...(serverName !== undefined && { servername: serverName }),
  };
}
