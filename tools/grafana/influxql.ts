/** Pieces of InfluxQL. Variables go in as regular expressions, escaped by Grafana: a name may hold any character. */

const matches = (key: string, variable: string): string => `"${key}" =~ /^\${${variable}:regex}$/`;

export const ofSite = matches('site', 'site');
export const ofAsset = `${ofSite} AND ${matches('asset', 'asset')}`;
export const ofTag = `${ofSite} AND ${matches('tag', 'tag')}`;

/** A state holds until the next transition: what was told in this time before the range still counts. */
export const stateMemory = '90d';
/** From before the range to its end. */
export const upToNow = `time >= \${__from}ms - ${stateMemory} AND time <= \${__to}ms`;

export const tagValues = (from: string, key: string, where?: string): string =>
  `SHOW TAG VALUES FROM ${from} WITH KEY = "${key}"${where === undefined ? '' : ` WHERE ${where}`}`;
