import { type FettleError, hasCode } from '../../core/errors.ts';
import type { BlockFailure } from './active-block.ts';
import { ModbusExceptionError } from './modbus-error.ts';

/**
 * How far a failed read reaches: a whole table of the unit, which it does not have; parts of the read, to be found by asking for
 * them one by one; this read alone; the unit; the connection.
 */
export type Verdict =
  | { readonly reach: 'table' | 'parts' | 'unit' | 'connection' }
  | { readonly reach: 'read'; readonly kind: BlockFailure };

/** What the failure of a read means (Application Protocol V1.1b3, 7, for exceptions). */
export function verdictOf(error: FettleError): Verdict {
  if (error instanceof ModbusExceptionError) return exceptionVerdicts[error.exception] ?? { reach: 'read', kind: 'faulty' };
  if (hasCode(error, 'FETTLE_MODBUS_TIMEOUT')) return { reach: 'unit' };
  if (hasCode(error, 'FETTLE_MODBUS_UNREACHABLE')) return { reach: 'connection' };
  // The transport knows whether the next answers can be trusted.
  return { reach: 'read', kind: 'faulty' };
}

const exceptionVerdicts: Readonly<Record<number, Verdict>> = {
  1: { reach: 'table' },
  2: { reach: 'parts' },
  3: { reach: 'parts' },
  5: { reach: 'read', kind: 'busy' },
  6: { reach: 'read', kind: 'busy' },
  // A gateway's word for a unit that is away.
  10: { reach: 'unit' },
  11: { reach: 'unit' },
};

/** Whether the unit itself has spoken by failing so. */
export const isUnitsOwnWord = (error: FettleError): boolean => error instanceof ModbusExceptionError && verdictOf(error).reach !== 'unit';
