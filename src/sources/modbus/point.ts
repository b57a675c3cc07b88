import type { Interner } from '../../core/interner.ts';
import type { ModbusSourceConfig } from './config.ts';
import { compileDecoder, type Decoder } from './decode.ts';
import type { Span } from './plan.ts';
import { countOf, placeOf, typeOf } from './tag-config.ts';

/** A tag as the poll loop sees it: where it stands, how it is read, which samples it gives. */
export interface Point extends Span {
  /** Interned index of the tag. */
  readonly tag: number;
  readonly name: string;
  readonly decode: Decoder;
}

/** The tags of a checked configuration. */
export const pointsOf = (config: ModbusSourceConfig, tags: Interner, texts: Interner): Point[] =>
  config.tags.map((tag) => {
    const place = placeOf(tag);
    return {
      ...place,
      count: countOf(tag),
      unit: tag.unit ?? config.unit,
      pollMs: tag.poll ?? config.poll,
      tag: tags.intern(tag.tag),
      name: tag.tag,
      decode: compileDecoder({ ...tag, table: place.table, type: typeOf(tag) }, (text) => texts.intern(text)),
    };
  });
