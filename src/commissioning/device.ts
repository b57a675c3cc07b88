import type { FettleError } from '../core/errors.ts';
import { ModbusExceptionError } from '../sources/modbus/modbus-error.ts';
import { transportOpener } from '../sources/modbus/open-transport.ts';
import type { ModbusTable } from '../sources/modbus/table.ts';
import type { ModbusTransport, OpenTransport, ReadRequest } from '../sources/modbus/transport.ts';

/** What came of one read: data bytes, or why not. */
export type Outcome = { readonly data: Buffer } | { readonly error: FettleError };

export interface DeviceOptions {
  readonly url: string;
  readonly timeoutMs: number;
  /** Between two requests: a device in service has other things to do. */
  readonly pauseMs?: number;
  readonly signal: AbortSignal;
}

/** A device a person tries things on: one read after the other, a new connection where the old one is of no use any more. Only reads leave. */
export class Device {
  readonly #options: DeviceOptions;
  readonly #open: OpenTransport;
  #transport: ModbusTransport | undefined;
  requests = 0;

  constructor(options: DeviceOptions) {
    this.#options = options;
    this.#open = transportOpener({ url: options.url, timeout: options.timeoutMs });
  }

  /** Rejects with FETTLE_MODBUS_UNREACHABLE where there is no connection to be had, and with the signal's reason. */
  async read(request: ReadRequest): Promise<Outcome> {
    const { signal, pauseMs = 0 } = this.#options;
    signal.throwIfAborted();
    if (this.#transport?.isWorn === true) this.close();
    const transport = this.#transport ?? (await this.#open(signal));
    this.#transport = transport;
    if (pauseMs > 0 && this.requests > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    this.requests++;
    try {
      // The bytes are the transport's own until the next turn.
      return { data: Buffer.from(await transport.read(request)) };
    } catch (error) {
      if ((error as FettleError).code === 'FETTLE_MODBUS_UNREACHABLE') this.close();
      return { error: error as FettleError };
    }
  }

  close(): void {
    this.#transport?.close();
    this.#transport = undefined;
  }
}

/** The code of a Modbus exception; undefined for everything else. */
export const exceptionOf = (outcome: Outcome): number | undefined =>
  'error' in outcome && outcome.error instanceof ModbusExceptionError ? outcome.error.exception : undefined;

/** Whether somebody with this unit id is there: any answer of its own is one, also "I do not have that". */
export const isAnswer = (outcome: Outcome): boolean => {
  const exception = exceptionOf(outcome);
  return 'data' in outcome || (exception !== undefined && exception !== 10 && exception !== 11);
};

export const registerTables: readonly ModbusTable[] = ['holdingRegister', 'inputRegister'];
