/** Pieces of PromQL. Grafana escapes a variable that takes several values as a regular expression, and a single one as a text. */

export const ofSites = 'site=~"$site"';
export const ofAssets = `${ofSites}, asset=~"$asset"`;
export const ofOneAsset = 'site="$site", asset="$asset"';

/** How far back a transition in VictoriaMetrics still tells the state. */
const stateMemory = '90d';

/** State codes of the alarms that are not normal: from /metrics, or from the transitions a sink wrote. */
export const alarmStates = (labels: string): string =>
  `max by (site, asset, rule, tag) (fettle_asset_alarm_state{${labels}} or (last_over_time(fettle_alarm_state_code{${labels}}[${stateMemory}]) > 0))`;

/** From the sink and from /metrics alike. */
export const ratios = (labels: string): string => `max by (site, asset) (fettle_score_ratio{${labels}})`;
