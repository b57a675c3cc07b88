import { errorText, FettleError } from '../../core/errors.ts';
import { quality } from '../../core/quality.ts';
import { formatPlace } from './reference.ts';
import type { ReadRequest } from './transport.ts';

/** A unit answered, with an exception code (V1.1b3, 7). */
export class ModbusExceptionError extends FettleError {
  readonly exception: number;

  constructor(exception: number, message: string, hint: string, cause?: unknown) {
    super('FETTLE_MODBUS_EXCEPTION', message, { hint, cause });
    this.exception = exception;
  }
}

const exceptions: Readonly<Record<number, readonly [text: string, hint: string]>> = {
  1: ['illegal function', 'the device does not have this table; look for the value in another one'],
  2: ['illegal data address', 'the device does not have this address; data sheets often count from 1, so try one less'],
  3: ['illegal data value', 'the device does not allow a read of this length; lower maxRegisters'],
  4: ['server device failure', 'the device reports a fault of its own'],
  5: ['acknowledge', 'the device needs more time for the answer; poll less often'],
  6: ['server device busy', 'the device is busy; poll less often'],
  8: ['memory parity error', 'the device reports a fault of its memory'],
  10: ['gateway path unavailable', 'the gateway has no way to this unit; check its routing and the unit id'],
  11: ['gateway target device failed to respond', 'the device behind the gateway does not answer; check its power, wiring and unit id'],
};

/** "unit 1, holding registers 100-124 = 40101-40125" */
export const requestText = ({ unit, table, address, count }: ReadRequest): string => `unit ${unit}, ${formatPlace(table, address, count)}`;

/** What the library calls back with → one of our errors. Its timeouts are not instances of Error (modbus-serial 8.0.25). */
export function toModbusError(error: unknown, request: ReadRequest, url: string, timeoutMs: number): FettleError {
  const fields = (typeof error === 'object' && error !== null ? error : {}) as { modbusCode?: number; name?: string };
  if (typeof fields.modbusCode === 'number') return exceptionError(fields.modbusCode, request, url, error);
  if (fields.name === 'TransactionTimedOutError') return timeoutError(request, url, timeoutMs);
  if (fields.name === 'PortNotOpenError') return unreachable(url, 'the connection is closed');
  return framing(request, url, errorText(error), error);
}

export function exceptionError(code: number, request: ReadRequest, url: string, cause?: unknown): ModbusExceptionError {
  const [text, hint] = exceptions[code] ?? ['unknown exception', 'see the manual of the device'];
  return new ModbusExceptionError(code, `${url} ${requestText(request)}: exception ${code}, ${text}`, hint, cause);
}

export const timeoutError = (request: ReadRequest, url: string, timeoutMs: number): FettleError =>
  new FettleError('FETTLE_MODBUS_TIMEOUT', `${url} ${requestText(request)}: no answer within ${timeoutMs} ms`, {
    hint: 'check the unit id, and that the device is powered and wired; a slow one needs a longer timeout',
  });

export const framing = (request: ReadRequest, url: string, what: string, cause?: unknown): FettleError =>
  new FettleError('FETTLE_MODBUS_FRAMING', `${url} ${requestText(request)}: the answer does not fit the request (${what})`, {
    cause,
    hint: 'something between here and the device mixes up answers, or the device does not keep to the protocol',
  });

export const unreachable = (url: string, what: string, cause?: unknown): FettleError =>
  new FettleError('FETTLE_MODBUS_UNREACHABLE', `${url}: ${what}`, {
    cause,
    hint: 'check address and port, that the device is on, and that no other client uses up its connections',
  });

/** Quality of the samples a failed read would have brought. */
export function qualityOf(error: FettleError): number {
  if (!(error instanceof ModbusExceptionError)) return quality.badNoCommunication;
  if (error.exception >= 1 && error.exception <= 3) return quality.badConfigurationError;
  if (error.exception === 10 || error.exception === 11) return quality.badNoCommunication;
  return quality.badDeviceFailure;
}
