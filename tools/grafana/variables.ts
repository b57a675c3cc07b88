import { dataSource, type Family, sourceType } from './family.ts';
import { ofSite, tagValues } from './influxql.ts';
import type { Variable } from './schema.ts';

/** Which store: the one the reader chooses among those of the right kind. */
export const store = (family: Family): Variable => ({
  name: 'ds',
  label: 'Store',
  type: 'datasource',
  query: sourceType[family],
  refresh: 1,
  regex: '',
  hide: 0,
  includeAll: false,
  multi: false,
  options: [],
});

/** Where the gateway's own pages are, for links. */
export const gatewayAddress: Variable = {
  name: 'gateway',
  label: 'Gateway',
  description: "Address of the gateway's own dashboard, for the links.",
  type: 'textbox',
  query: 'http://localhost:7171',
  current: { text: 'http://localhost:7171', value: 'http://localhost:7171' },
  options: [{ text: 'http://localhost:7171', value: 'http://localhost:7171', selected: true }],
  hide: 0,
};

interface Asked {
  readonly influxql: string;
  readonly promql: string;
}

/** `many`: several or all of them, all at first. */
function queried(family: Family, name: string, label: string, asked: Asked, many: boolean): Variable {
  const query =
    family === 'influxql' ? asked.influxql : { query: asked.promql, refId: 'PrometheusVariableQueryEditor-VariableQuery', qryType: 5 };
  return {
    name,
    label,
    type: 'query',
    datasource: dataSource(family),
    query,
    // New assets appear without a reload of the page.
    refresh: 2,
    regex: '',
    sort: 1,
    hide: 0,
    multi: many,
    includeAll: many,
    ...(many && { allValue: '.*', current: { text: ['All'], value: ['$__all'] } }),
    options: [],
  };
}

const results = '/^fettle_(score|alarm)$/';

export const site = (family: Family, many: boolean): Variable =>
  queried(
    family,
    'site',
    'Site',
    {
      influxql: tagValues('/^fettle_(score|alarm|sample)$/', 'site'),
      promql: 'label_values({__name__=~"fettle_gateway_info|fettle_score_ratio"}, site)',
    },
    many,
  );

export const asset = (family: Family, many: boolean): Variable =>
  queried(
    family,
    'asset',
    'Asset',
    {
      influxql: tagValues(results, 'asset', ofSite),
      promql: `label_values({__name__=~"fettle_asset_watching|fettle_score_ratio", ${many ? 'site=~"$site"' : 'site="$site"'}}, asset)`,
    },
    many,
  );

/** Tags whose names begin with the asset's. */
export const tag = (family: Family): Variable =>
  queried(
    family,
    'tag',
    'Tag',
    {
      influxql: tagValues('"fettle_sample"', 'tag', `${ofSite} AND "tag" =~ /^\${asset:regex}\\//`),
      promql: 'label_values(fettle_sample_value{site="$site", tag=~"$asset/.*"}, tag)',
    },
    true,
  );
