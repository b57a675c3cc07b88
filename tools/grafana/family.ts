/** The two ways dashboards ask: InfluxDB's language, and Prometheus' (which VictoriaMetrics speaks too). */
export const families = ['influxql', 'promql'] as const;
export type Family = (typeof families)[number];

export const sourceType: Readonly<Record<Family, string>> = { influxql: 'influxdb', promql: 'prometheus' };

/** Never a data source by its uid: which one is the reader's choice. */
export const dataSource = (family: Family) => ({ type: sourceType[family], uid: '${ds}' });

/** Name of a dashboard in addresses and links, the same on every Grafana. */
export type DashboardName = 'overview' | 'asset' | 'alarms' | 'gateway';
export const uidOf = (name: DashboardName, family: Family): string => `fettle-${name}${family === 'influxql' ? '' : '-promql'}`;
