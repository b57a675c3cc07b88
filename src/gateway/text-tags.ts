import type { Config } from '../config/schema.ts';
import type { Names } from './names.ts';

/** Tags whose values are indices into the table of texts. */
export const textTagsOf = (config: Config, names: Names): Set<number> =>
  new Set(
    config.sources.flatMap((source) =>
      source.type === 'modbus' ? source.tags.filter(({ type }) => type === 'string').map(({ tag }) => names.tag.intern(tag)) : [],
    ),
  );
