/** What may tell the fault of a recording. */
export interface FaultHint {
  readonly file: string;
  /** What its label column holds on anomalous rows. */
  readonly kinds: readonly string[];
}

const faultInName = /(?:fault|failure)[-_ ]*0*(\d+)/i;

/**
 * Which fault each recording is of, undefined where that is not known: what its label column calls it, where every labelled recording has one name for its
 * anomalous rows and the set has several; else the number behind "fault" or "failure" in the file's name.
 */
export function faultsOf(recordings: readonly FaultHint[]): (string | undefined)[] {
  const labelled = recordings.filter(({ kinds }) => kinds.length > 0);
  const named = labelled.every(({ kinds }) => kinds.length === 1) && new Set(labelled.map(({ kinds }) => kinds[0])).size > 1;
  return recordings.map(({ file, kinds }) => (named ? kinds[0] : faultInName.exec(file.replace(/^.*[/\\]/, ''))?.[1]));
}
