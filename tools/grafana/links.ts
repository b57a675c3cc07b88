import { type Family, uidOf } from './family.ts';
import type { DashboardLink, DataLink } from './schema.ts';

/** The others of the same family, with time and variables kept, and the gateway's own page. */
export const dashboardLinks = (family: Family): readonly DashboardLink[] => [
  {
    type: 'dashboards',
    title: 'Fettle',
    tags: [tagOf(family)],
    asDropdown: false,
    icon: 'external link',
    includeVars: true,
    keepTime: true,
    targetBlank: false,
    tooltip: '',
    url: '',
  },
  {
    type: 'link',
    title: 'Gateway',
    tags: [],
    asDropdown: false,
    icon: 'dashboard',
    includeVars: false,
    keepTime: false,
    targetBlank: true,
    tooltip: "The gateway's own dashboard: acknowledge, shelve, say what an alarm was",
    url: '${gateway}/#/',
  },
];

export const tagOf = (family: Family): string => `fettle-${family}`;

const store = 'var-ds=${ds}&var-gateway=${gateway}&${__url_time_range}';

/** From a series or a row of an asset to its dashboard. `name`: where its id stands. */
const toAsset = (family: Family, name: string, site: string): DataLink => ({
  title: 'Asset',
  url: `/d/${uidOf('asset', family)}?var-asset=\${${name}:percentencode}&var-site=\${${site}:percentencode}&${store}`,
});

const toGateway = (name: string): DataLink => ({
  title: "Asset on the gateway's own page",
  url: `\${gateway}/#/assets/\${${name}:percentencode}`,
  targetBlank: true,
});

/** Of a series, which is labelled with site and asset. */
export const seriesLinks = (family: Family): readonly DataLink[] => [
  toAsset(family, '__field.labels.asset', '__field.labels.site'),
  toGateway('__field.labels.asset'),
];

/** Of a table's row, which has columns site and asset. */
export const rowLinks = (family: Family): readonly DataLink[] => [
  toAsset(family, '__data.fields.asset', '__data.fields.site'),
  toGateway('__data.fields.asset'),
];

export const toGatewayAlarms: DataLink = { title: "Alarms on the gateway's own page", url: '${gateway}/#/alarms', targetBlank: true };
