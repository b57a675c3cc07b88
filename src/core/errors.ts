/**
 * Every error a person or a program can meet has a code here and a paragraph in docs/errors.md; a test compares the
 * two lists both ways. `retriable` is the one definition of whether trying again can help.
 */
export const errorCodes = {
  FETTLE_CONFIG_INVALID: { retriable: false, summary: 'The configuration has problems; nothing was opened.' },
  FETTLE_DATA_LOCKED: { retriable: false, summary: 'Another process uses the data directory.' },
  FETTLE_DATA_TOO_NEW: { retriable: false, summary: 'The data directory was written by a newer Fettle.' },
  FETTLE_UPGRADE_FAILED: { retriable: false, summary: 'The data could not be brought to this version; nothing was changed.' },
  FETTLE_JOURNAL_CORRUPT: { retriable: false, summary: 'The database was damaged; it was set aside and a fresh one opened.' },
  FETTLE_JOURNAL_FULL: { retriable: true, summary: 'The disk is full; samples are scored but not kept.' },
  FETTLE_JOURNAL_FAILED: { retriable: true, summary: 'The database refused a commit.' },
  FETTLE_BACKUP_FAILED: { retriable: false, summary: 'A backup could not be made or unpacked; nothing was left half done.' },
  FETTLE_MODBUS_TIMEOUT: { retriable: true, summary: 'A Modbus unit did not answer in time.' },
  FETTLE_MODBUS_EXCEPTION: { retriable: true, summary: 'A Modbus unit answered with an exception.' },
  FETTLE_MODBUS_FRAMING: { retriable: true, summary: 'A Modbus answer did not fit its request.' },
  FETTLE_MODBUS_UNREACHABLE: { retriable: true, summary: 'No connection to a Modbus device.' },
  FETTLE_MODBUS_REFUSED: { retriable: false, summary: 'Something other than a Modbus read was about to be sent; it was not.' },
  FETTLE_MQTT_UNREACHABLE: { retriable: true, summary: 'No connection to an MQTT broker.' },
  FETTLE_MQTT_REFUSED: { retriable: true, summary: 'An MQTT broker refused the connection, a subscription or a message.' },
  FETTLE_MQTT_PAYLOAD: { retriable: false, summary: 'An MQTT message could not be read.' },
  FETTLE_SOURCE_BUSY: { retriable: true, summary: 'A source cannot take more samples at the moment.' },
  FETTLE_INFLUXDB_UNREACHABLE: { retriable: true, summary: 'InfluxDB could not be reached.' },
  FETTLE_INFLUXDB_DENIED: { retriable: true, summary: 'InfluxDB refused access or does not know the database; delivery waits.' },
  FETTLE_INFLUXDB_FAILED: { retriable: true, summary: 'InfluxDB failed on its own side.' },
  FETTLE_SINK_UNAVAILABLE: {
    retriable: true,
    summary: "The receiver of a flow's messages could not be reached, or did not take them now; they wait.",
  },
  FETTLE_INFLUXDB_BUSY: { retriable: true, summary: 'InfluxDB asked to wait.' },
  FETTLE_NOTICE_FAILED: { retriable: true, summary: 'A mail or webhook could not be sent.' },
  FETTLE_MODEL_INVALID: { retriable: false, summary: 'A model bundle is damaged, hostile or does not fit.' },
  FETTLE_MODEL_MISMATCH: { retriable: false, summary: 'A model bundle does not fit the asset it was given to.' },
  FETTLE_SCORING_FAILED: { retriable: true, summary: 'The model runtime could not score a batch.' },
  FETTLE_TRAINING_FAILED: { retriable: false, summary: 'A model could not be trained from this recording.' },
  FETTLE_CSV_INVALID: { retriable: false, summary: 'A recording could not be read.' },
  FETTLE_API_UNREACHABLE: { retriable: true, summary: 'No running gateway answered.' },
  FETTLE_API_REQUEST: { retriable: false, summary: 'The gateway refused a request.' },
  FETTLE_API_FAILED: { retriable: false, summary: 'The gateway could not answer because of a fault of its own.' },
  FETTLE_ACCESS_DENIED: { retriable: false, summary: 'Nobody is logged in, or the login was wrong.' },
  FETTLE_ACCESS_FORBIDDEN: { retriable: false, summary: 'The role does not allow this, or the request came from a foreign page.' },
  FETTLE_ACCESS_LOCKED: { retriable: true, summary: 'Too many failed logins; wait.' },
  FETTLE_ACCESS_BUSY: { retriable: true, summary: 'Too many logins at once.' },
  FETTLE_ACCESS_INVALID: { retriable: false, summary: 'Users or tokens could not be changed, or their file cannot be read.' },
  FETTLE_EDITOR_FAILED: { retriable: true, summary: 'Node-RED beside the gateway is not installed, did not start, or ended.' },
  FETTLE_ASSET_UNKNOWN: { retriable: false, summary: 'There is no asset of this name in the configuration.' },
  FETTLE_COMMAND_INVALID: { retriable: false, summary: 'A command does not fit the state of what it names.' },
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** An error that says what failed (device, file or line), and what to do. */
export class FettleError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  /** A server's own wish, in milliseconds (Retry-After). */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; hint?: string; retryAfterMs?: number } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'FettleError';
    this.code = code;
    this.hint = options.hint;
    this.retryAfterMs = options.retryAfterMs;
  }
}

export const isRetriable = (error: unknown): boolean => !(error instanceof FettleError) || errorCodes[error.code].retriable;

export const hasCode = (error: unknown, code: ErrorCode): error is FettleError => error instanceof FettleError && error.code === code;

/** What to show of an unknown thrown value: "ECONNREFUSED 127.0.0.1:502", never "[object Object]". */
export function errorText(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(errorText).join('; ');
  if (error instanceof Error)
    return error.cause instanceof Error && error.message === 'fetch failed' ? errorText(error.cause) : error.message;
  if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message);
  return String(error);
}
