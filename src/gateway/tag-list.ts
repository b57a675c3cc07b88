import { sourceOfTag } from '../config/cross-checks.ts';
import { type Config, engineeringUnitOf } from '../config/schema.ts';
import { qualityName, severityOf } from '../core/quality.ts';
import type { LastValues } from './last-values.ts';
import type { Names } from './names.ts';

/** A tag as it is now. */
export interface TagNow {
  readonly tag: string;
  readonly source: string | null;
  /** Number, or text of a tag that has texts; null where the device gave none or nothing has come yet. */
  readonly value: number | string | null;
  readonly engineeringUnit: string | null;
  readonly quality: string;
  readonly severity: 'good' | 'uncertain' | 'bad' | 'waiting';
  /** Time of the sample, ISO 8601. */
  readonly at: string | null;
  readonly ageMs: number | null;
  readonly samples: number;
  /** Assets that watch it. */
  readonly assets: readonly string[];
}

/** Every tag that is configured or has come, by name. */
export function tagList(config: Config, names: Names, textTags: ReadonlySet<number>, last: LastValues, nowMs: number): TagNow[] {
  const configured = new Set([
    ...config.assets.flatMap(({ tags }) => tags),
    ...config.sources.flatMap((source) => (source.type === 'mqtt' ? [] : source.tags.map(({ tag }) => tag))),
    ...Object.keys(config.tags),
  ]);
  const come = names.tag.since(0).filter((_, index) => last.of(index) !== undefined);
  return [...new Set([...configured, ...come])].sort().map((tag): TagNow => {
    const index = names.tag.indexOf(tag);
    const newest = index === undefined ? undefined : last.of(index);
    const brings = config.sources[sourceOfTag(config, tag)];
    const facts = {
      tag,
      engineeringUnit: engineeringUnitOf(config, tag),
      assets: config.assets.filter(({ tags }) => tags.includes(tag)).map(({ id }) => id),
    };
    if (index === undefined || newest === undefined)
      return {
        ...facts,
        source: brings?.id ?? null,
        value: null,
        quality: 'waiting',
        severity: 'waiting',
        at: null,
        ageMs: null,
        samples: 0,
      };
    const { value, quality, timeMs, samples, source } = newest;
    const shown = Number.isNaN(value) ? null : textTags.has(index) ? names.text.nameOf(value) : value;
    return {
      ...facts,
      source: names.source.nameOf(source),
      value: shown,
      quality: qualityName(quality),
      severity: severityOf(quality),
      at: new Date(timeMs).toISOString(),
      ageMs: nowMs - timeMs,
      samples,
    };
  });
}
