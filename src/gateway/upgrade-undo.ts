import { type Undone, undoUpgrade as undo } from '../journal/upgrade-undo.ts';

/** Puts the data of before the last upgrade back. Throws FETTLE_UPGRADE_FAILED, FETTLE_DATA_LOCKED. */
export const undoUpgrade = (directory: string): Undone => undo(directory, Date.now());
