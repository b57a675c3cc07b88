import { FettleError } from '../../core/errors.ts';
import type { Table } from './table.ts';

export interface ReadRequest {
  readonly unit: number;
  readonly table: Table;
  readonly address: number;
  readonly count: number;
}

/**
 * A connection to Modbus devices. `connect` resolves when requests can be sent; `read` gives the data bytes of the reply, as many as the request asks for. Errors:
 * FETTLE_MODBUS_UNREACHABLE (no connection, or it broke), FETTLE_MODBUS_TIMEOUT, ModbusException, FETTLE_MODBUS_FRAMING (the connection is
 * given up then: its bytes cannot be trusted). A reply that comes too late is never taken for another request's.
 */
export interface ModbusTransport {
  readonly connected: boolean;
  connect(signal: AbortSignal): Promise<void>;
  read(request: ReadRequest): Promise<Buffer>;
  close(): void;
}

const exceptionWords: Record<number, string> = {
  1: 'illegal function',
  2: 'illegal data address',
  3: 'illegal data value',
  4: 'device failure',
  5: 'acknowledge, busy with it',
  6: 'device busy',
  8: 'memory parity error',
  10: 'gateway path unavailable',
  11: 'gateway target device does not respond',
};

/** The device answered, with an exception (Modbus application protocol 1.1b3, 7). */
export class ModbusException extends FettleError {
  readonly exception: number;

  constructor(exception: number, where: string) {
    super('FETTLE_MODBUS_EXCEPTION', `${where}: exception ${exception}, ${exceptionWords[exception] ?? 'unknown'}`, hintOf(exception));
    this.exception = exception;
  }
}

function hintOf(exception: number): { hint?: string } {
  if (exception === 1) return { hint: 'the device does not have this table: check table, or the first digit of reference' };
  if (exception === 2) return { hint: 'check the address: data sheets count from 1 (40001 = holding register 0); or lower bridgeRegisters if the device has holes' };
  if (exception === 3) return { hint: 'the device may allow shorter reads only: lower maxRegisters' };
  if (exception === 10 || exception === 11) return { hint: 'the unit behind the gateway is off, or its unit id is another one' };
  return {};
}
