/**
 * How far a value can be trusted: one byte a sample. The reasons carry OPC UA's names (Part 8, StatusCode), the
 * two top bits its severity, so that a severity test is one shift.
 */

export type Severity = 'good' | 'uncertain' | 'bad';

/** Codes are stored in the journal: append, never renumber. */
export const quality = {
  good: 0x00,
  uncertainLastUsableValue: 0x40,
  uncertainSubNormal: 0x41,
  uncertainEngineeringUnitsExceeded: 0x42,
  badNoCommunication: 0x80,
  badDeviceFailure: 0x81,
  badSensorFailure: 0x82,
  badConfigurationError: 0x83,
  badWaitingForInitialData: 0x84,
  badOutOfService: 0x85,
  /** The device said "not available" (SunSpec 0x8000 and the like), or the number was NaN or infinite. */
  badNotAvailable: 0x86,
  badOutOfRange: 0x87,
  /** The time stamp is further ahead of this machine's clock than `maxSkew`. */
  badClockSkew: 0x88,
} as const;

export type QualityReason = keyof typeof quality;
export type QualityCode = (typeof quality)[QualityReason];

const names = new Map<number, QualityReason>(Object.entries(quality).map(([name, code]) => [code, name as QualityReason]));

export const severityOf = (code: number): Severity => (code < 0x40 ? 'good' : code < 0x80 ? 'uncertain' : 'bad');
/** Good and uncertain values may enter a window; bad ones never do. */
export const isUsable = (code: number): boolean => code < 0x80;
export const qualityName = (code: number): QualityReason | `unknown(${number})` => names.get(code) ?? `unknown(${code})`;

/** A quality by its name; `missing`: there is no value at all. */
export type QualityWord = ReturnType<typeof qualityName> | 'missing';
/** Of a cell that has no usable value: the code of its last sample, 0 where there was none. */
export const qualityWordOf = (code: number): QualityWord => (code === 0 ? 'missing' : qualityName(code));

const plainWords: Record<QualityReason, string> = {
  good: 'good',
  uncertainLastUsableValue: 'last usable value',
  uncertainSubNormal: 'below normal',
  uncertainEngineeringUnitsExceeded: 'outside its engineering range',
  badNoCommunication: 'no communication',
  badDeviceFailure: 'device failure',
  badSensorFailure: 'sensor failure',
  badConfigurationError: 'configuration error',
  badWaitingForInitialData: 'no value yet',
  badOutOfService: 'out of service',
  badNotAvailable: 'not available',
  badOutOfRange: 'out of range',
  badClockSkew: 'clock too far ahead',
};

/** For people: "no communication". */
export const qualityText = (code: number): string => {
  const name = names.get(code);
  return name === undefined ? `unknown quality ${code}` : plainWords[name];
};
