import { dataSource, type Family } from './family.ts';
import type { Target } from './schema.ts';

export interface InfluxQuery {
  readonly query: string;
  /** Name of a series: `$tag_asset`, `$col`. */
  readonly alias?: string;
  readonly table?: boolean;
}

export interface PromQuery {
  readonly expr: string;
  readonly legend?: string;
  /** One value at the end of the range, as a table. */
  readonly table?: boolean;
  /** One value at the end of the range. */
  readonly instant?: boolean;
}

/** What a panel asks, by family; a family without queries does not have the panel. */
export interface Queries {
  readonly influxql?: readonly InfluxQuery[];
  readonly promql?: readonly PromQuery[];
}

const refId = (index: number): string => String.fromCharCode(65 + index);

export function targetsOf(queries: Queries, family: Family): readonly Target[] | undefined {
  if (family === 'influxql') return queries.influxql?.map(influxTarget);
  return queries.promql?.map(promTarget);
}

function influxTarget({ query, alias, table = false }: InfluxQuery, index: number): Target {
  return {
    refId: refId(index),
    datasource: dataSource('influxql'),
    rawQuery: true,
    query,
    resultFormat: table ? 'table' : 'time_series',
    ...(alias !== undefined && { alias }),
  };
}

function promTarget({ expr, legend, table = false, instant = table }: PromQuery, index: number): Target {
  return {
    refId: refId(index),
    datasource: dataSource('promql'),
    editorMode: 'code',
    expr,
    format: table ? 'table' : 'time_series',
    instant,
    range: !instant,
    legendFormat: legend ?? '__auto',
  };
}
