import type { FettleError } from '../../core/errors.ts';
import type { ModbusTable } from './table.ts';

/** One read. `count` is registers, or bits in a bit table. */
export interface ReadRequest {
  readonly unit: number;
  readonly table: ModbusTable;
  readonly address: number;
  readonly count: number;
}

export interface ReadOptions {
  /** How long the unit may take to answer; the transport's own when absent. */
  readonly timeoutMs?: number;
  /** The unit's last read, or this one before, brought no answer that fitted: do not make others wait for what it may still say. */
  readonly isProbe?: boolean;
}

/**
 * One connection to Modbus units, from open to closed; never opened again.
 *
 * A transport can only read. It promises that a reply belongs to its request and has the length that was asked for.
 */
export interface ModbusTransport {
  /**
   * Resolves with the data bytes of the reply, valid until the next turn. Always settles: the timeout is the transport's.
   * Rejects with FETTLE_MODBUS_TIMEOUT, FETTLE_MODBUS_EXCEPTION (a `ModbusExceptionError`), FETTLE_MODBUS_FRAMING or
   * FETTLE_MODBUS_UNREACHABLE. The caller keeps to the number of requests in flight.
   */
  read(request: ReadRequest, options?: ReadOptions): Promise<Buffer>;
  /** Milliseconds until something may be sent, to this unit if one is given: a serial line has its silences. `read` waits by itself, but cannot be timed then. */
  readyInMs(unit?: number): number;
  /** True when this connection should be replaced before the next read: an answer could not be told from a late one any more. */
  readonly isWorn: boolean;
  /** Answers that came after their timeout, and were dropped. */
  readonly lateReplies: number;
  /** Resolves when the connection has ended, with why: FETTLE_MODBUS_UNREACHABLE, or undefined after `close`. */
  readonly closed: Promise<FettleError | undefined>;
  /** Ends it at once; reads under way reject with FETTLE_MODBUS_UNREACHABLE. */
  close(): void;
}

/** Opens a connection; rejects with FETTLE_MODBUS_UNREACHABLE. */
export type OpenTransport = (signal: AbortSignal) => Promise<ModbusTransport>;
