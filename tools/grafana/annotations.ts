import { dataSource, type Family } from './family.ts';
import { ofAsset } from './influxql.ts';
import { alarmStates, ofAssets, ofOneAsset } from './promql.ts';
import type { Annotation } from './schema.ts';

/** Grafana's own, which every dashboard has. */
const builtIn: Annotation = {
  builtIn: 1,
  datasource: { type: 'grafana', uid: '-- Grafana --' },
  enable: true,
  hide: true,
  iconColor: 'rgba(0, 211, 255, 1)',
  name: 'Annotations & Alerts',
  type: 'dashboard',
};

const common = (family: Family) => ({ name: 'Alarms', datasource: dataSource(family), enable: true, hide: false, iconColor: 'red' });

/**
 * Stretches in which an alarm stood, over every chart. From InfluxDB with its text, from its beginning to `time_end`; from Prometheus
 * as long as a state stands (1 and 2).
 */
export function annotations(family: Family, many: boolean): readonly Annotation[] {
  if (family === 'promql') {
    const expr = `max by (asset) (${alarmStates(many ? ofAssets : ofOneAsset)} <= 2)`;
    const target = { refId: 'Alarms', expr, interval: '', legendFormat: '' };
    return [
      builtIn,
      {
        ...common(family),
        expr,
        step: '30s',
        titleFormat: 'Alarm: {{asset}}',
        textFormat: '',
        tagKeys: 'asset',
        useValueForTime: false,
        target,
      },
    ];
  }
  const query = `SELECT "title", "text", "time_end", "asset", "rule", "priority" FROM "fettle_alarm_span" WHERE $timeFilter AND ${ofAsset}`;
  const columns = { titleColumn: 'title', textColumn: 'text', timeEndColumn: 'time_end', tagsColumn: 'asset,rule,priority' };
  const target = { refId: 'Alarms', query, rawQuery: true, queryType: 'tags', fromAnnotations: true, name: 'Alarms', ...columns };
  return [builtIn, { ...common(family), query, ...columns, target }];
}
