const corrupt = 11;
const notADatabase = 26;
export const sqliteBusy = 5;
export const sqliteFull = 13;

export const sqliteCode = (error: unknown): number | undefined =>
  typeof error === 'object' && error !== null && 'errcode' in error ? (error.errcode as number) & 0xff : undefined;

/** What a fresh database would not answer. */
export const isDamaged = (error: unknown): boolean => {
  const code = sqliteCode(error);
  return code === corrupt || code === notADatabase;
};
