import { annotations } from './annotations.ts';
import { type DashboardName, type Family, uidOf } from './family.ts';
import { placed, type Section } from './layout.ts';
import { dashboardLinks, tagOf } from './links.ts';
import type { Dashboard, Variable } from './schema.ts';
import { gatewayAddress, store } from './variables.ts';

/** The form that Grafana 10 to 13 load and the gallery takes. */
const schemaVersion = 42;

export interface DashboardSpec {
  readonly name: DashboardName;
  readonly title: string;
  readonly description: string;
  readonly from: string;
  /** Seen several assets at once, or one. */
  readonly many: boolean;
  readonly variables: (family: Family) => readonly Variable[];
  readonly sections: (family: Family) => readonly Section[];
  /** Only where alarms of assets mean something. */
  readonly annotated?: boolean;
}

export function dashboardOf(spec: DashboardSpec, family: Family): Dashboard {
  const { name, title, description, from, many, variables, sections, annotated = true } = spec;
  return {
    id: null,
    uid: uidOf(name, family),
    title: `Fettle ${title}${family === 'influxql' ? '' : ' (PromQL)'}`,
    description,
    tags: ['fettle', tagOf(family)],
    schemaVersion,
    version: 1,
    editable: true,
    graphTooltip: 1,
    timezone: 'browser',
    refresh: '30s',
    time: { from, to: 'now' },
    timepicker: {},
    templating: { list: [store(family), ...variables(family), gatewayAddress] },
    annotations: { list: annotations(family, many).slice(0, annotated ? 2 : 1) },
    links: dashboardLinks(family),
    panels: placed(sections(family), family),
  };
}
