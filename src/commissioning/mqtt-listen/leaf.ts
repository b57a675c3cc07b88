/** A value somewhere in a payload. */
export interface Leaf {
  /** As a topic's `tags` takes it: `$.flow`, `$[2]`, `$.measurement.field`. With `[*]`, `value` is the array. */
  readonly path: string;
  /** What a person would call it. */
  readonly name: string;
  readonly value: unknown;
}

const bareName = /^[\p{L}_][\p{L}\p{N}_-]*$/u;

/** One step of a path; undefined where there is no way to write it. */
export function stepTo(name: string): string | undefined {
  if (bareName.test(name)) return `.${name}`;
  // Empty, or what a configuration reads as a reference to a secret.
  if (name === '' || name.includes('${')) return undefined;
  return name.includes("'") ? (name.includes('"') ? undefined : `["${name}"]`) : `['${name}']`;
}
