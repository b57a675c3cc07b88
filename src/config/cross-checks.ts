import { sourceDefinitions } from '../sources/index.ts';
import { compileRunning } from '../windows/running.ts';
import { lineConflicts } from './line-conflicts.ts';
import type { Config } from './schema.ts';

export interface Issue {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Whether any configured source can bring this tag, and which. */
export function sourceOfTag(config: Config, tag: string): number {
  return config.sources.findIndex((source) => {
    const definition = sourceDefinitions.find(({ type }) => type === source.type);
    return definition?.produces(source as never, tag) ?? false;
  });
}

/** What no single key can tell: names that must be unique, and tags that must come from somewhere. */
export function crossChecks(config: Config): Issue[] {
  const issues: Issue[] = [];
  const unique = (list: 'sources' | 'assets' | 'sinks'): void => {
    const seen = new Set<string>();
    config[list].forEach(({ id }, i) => {
      if (seen.has(id)) issues.push({ path: [list, i, 'id'], message: `"${id}" is used twice` });
      seen.add(id);
    });
  };
  unique('sources');
  unique('assets');
  unique('sinks');
  issues.push(...lineConflicts(config));
  const known = (tag: string): boolean => sourceOfTag(config, tag) >= 0;
  config.assets.forEach((asset, a) => {
    const seen = new Set<string>();
    asset.tags.forEach((tag, t) => {
      if (seen.has(tag)) issues.push({ path: ['assets', a, 'tags', t], message: `"${tag}" is listed twice` });
      seen.add(tag);
      if (!known(tag)) issues.push({ path: ['assets', a, 'tags', t], message: `no source brings "${tag}"${nearest(tag, config)}` });
    });
    if (asset.running !== undefined) {
      for (const tag of compileRunning(asset.running.when).tags) {
        if (!known(tag))
          issues.push({ path: ['assets', a, 'running', 'when'], message: `no source brings "${tag}"${nearest(tag, config)}` });
      }
    }
    if (asset.context !== undefined) {
      if (!known(asset.context))
        issues.push({ path: ['assets', a, 'context'], message: `no source brings "${asset.context}"${nearest(asset.context, config)}` });
      if (asset.detector?.learn === undefined)
        issues.push({
          path: ['assets', a, 'context'],
          message: 'only an asset that learns from itself has a model a context: detector: { learn: {} }',
        });
    }
    if (asset.detector?.learn !== undefined && config.journal === 'off') {
      issues.push({ path: ['assets', a, 'detector', 'learn'], message: 'learning reads the journal, which is off' });
    }
    if (asset.window.slide > asset.window.length) {
      issues.push({
        path: ['assets', a, 'window', 'slide'],
        message: `slide (${asset.window.slide}) is longer than the window (${asset.window.length}): samples between would never be judged`,
      });
    }
  });
  config.expose?.modbus?.assets?.forEach((asset, i) => {
    if (!config.assets.some(({ id }) => id === asset))
      issues.push({ path: ['expose', 'modbus', 'assets', i], message: `there is no asset "${asset}"` });
  });
  const budgets = config.assets.reduce((sum, { detector }) => sum + (detector?.learn === undefined ? 0 : (detector.budget ?? 0)), 0);
  if (config.detector.budget !== undefined && budgets >= config.detector.budget)
    issues.push({
      path: ['detector', 'budget'],
      message: 'the budgets of the assets use up that of the site: nothing is left for those without one',
    });
  const watched = new Set(config.assets.flatMap(({ tags }) => tags));
  for (const [tag, { limits, flatline, badQuality }] of Object.entries(config.tags)) {
    if (!known(tag)) issues.push({ path: ['tags', tag], message: `no source brings "${tag}"${nearest(tag, config)}` });
    else if ((limits ?? flatline ?? badQuality) !== undefined && !watched.has(tag)) {
      issues.push({ path: ['tags', tag], message: `"${tag}" belongs to no asset, so nothing would judge its limits` });
    }
  }
  if (config.journal === 'off') {
    config.sinks.forEach((sink, s) => {
      if ('send' in sink && sink.send.includes('samples')) {
        issues.push({
          path: ['sinks', s, 'send'],
          message: 'samples cannot be sent while journal is off: there is nothing to send them from',
        });
      }
    });
  }
  return issues;
}

/** A name like this one that does exist, for typing errors. */
function nearest(tag: string, config: Config): string {
  const candidates = config.sources.flatMap((source) =>
    source.type === 'mqtt' ? Object.keys(source.topics[0]?.tags ?? {}) : source.tags.map(({ tag: name }) => name),
  );
  const scored = candidates.map((name) => ({ name, distance: editDistance(tag, name) })).sort((a, b) => a.distance - b.distance)[0];
  return scored !== undefined && scored.distance <= Math.max(2, tag.length / 4) ? `; did you mean "${scored.name}"?` : '';
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      current[j] = Math.min(
        (previous[j] as number) + 1,
        (current[j - 1] as number) + 1,
        (previous[j - 1] as number) + Number(a[i - 1] !== b[j - 1]),
      );
    }
    previous = current;
  }
  return previous[b.length] as number;
}
