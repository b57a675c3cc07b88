import { parseDurationMs } from '../../core/duration.ts';
import { pathName } from '../../core/fields.ts';
import { rhythmOf } from './analysis.ts';
import { type FieldFinding, median } from './findings.ts';
import type { TopicRecord } from './heard-topics.ts';
import { tagsOf, unitOfName } from './tag-names.ts';
import type { TopicEntry } from './topic-entry.ts';

/** An entry of `tags` in fettle.yaml. */
export interface ProposedTag {
  readonly engineeringUnit?: string;
  readonly hold?: true;
  readonly maxAge?: string;
}

/** More would be no help to a person. */
const mostTags = 400;

/** Units and how long a value stands, tag by tag; tags without either are left out. */
export function tagSettings(entries: readonly TopicEntry[]): Record<string, ProposedTag> {
  const settings: Record<string, ProposedTag> = {};
  let count = 0;
  for (const { analysed, tags } of entries) {
    const { finding, group } = analysed;
    for (const [pattern, path] of tags) {
      const field = finding.fields.find((one) => one.path === path) as FieldFinding;
      for (const [i, tag] of tagsOf(pattern, group).entries()) {
        const topic = group.topics[i] as TopicRecord;
        const unit = field.role === 'value' ? unitOf(topic, field, finding.fields) : undefined;
        const setting: ProposedTag = { ...(unit !== undefined && { engineeringUnit: unit }), ...ageOf(topic) };
        // Names that the lines bring are not known here.
        if (Object.keys(setting).length === 0 || tag.includes('{') || !pathName().safeParse(tag).success) continue;
        if (count++ < mostTags) settings[tag] = setting;
      }
    }
  }
  return settings;
}

const steps = ['10s', '30s', '1m', '2m', '5m', '10m', '30m', '1h', '2h', '6h', '12h', '1d', '2d', '7d'];
const rounded = (ms: number): string => steps.find((step) => (parseDurationMs(step) ?? 0) >= ms) ?? '30d';

/** A value every second needs nothing: three steps of the grid bridge what is missing. */
function ageOf({ gaps }: TopicRecord): { hold?: true; maxAge?: string } {
  const intervalMs = median(gaps);
  if (intervalMs === undefined) return {};
  if (rhythmOf(gaps) === 'onChange') return { hold: true, maxAge: rounded(Math.max(60_000, 3 * Math.max(...gaps))) };
  return intervalMs > 1100 ? { maxAge: rounded(3 * intervalMs) } : {};
}

const byEnding: readonly (readonly [RegExp, string])[] = [
  [/[_-](?:degc|celsius|grad)$/i, '°C'],
  [/[_-](?:degf|fahrenheit)$/i, '°F'],
  [/[_-](?:pct|percent)$/i, '%'],
  [/[_-]m?bar$/i, 'bar'],
  [/[_-]rpm$/i, 'rpm'],
  [/[_-]kwh$/i, 'kWh'],
  [/[_-]kw$/i, 'kW'],
  [/[_-]hz$/i, 'Hz'],
  [/[_-]mm_?s$/i, 'mm/s'],
];

/** As it came with the value, stands beside it (`"unit": "bar"`), or in its name. Undefined where two are said. */
function unitOf({ fields }: TopicRecord, { path, name }: FieldFinding, all: readonly FieldFinding[]): string | undefined {
  const own = [...(fields.get(path)?.units ?? [])];
  if (own.length > 0) return own.length === 1 ? own[0] : undefined;
  const isAlone = all.filter((field) => field.role === 'value' && parent(field.path) === parent(path)).length === 1;
  const beside = isAlone ? all.find((field) => field.role === 'unit' && parent(field.path) === parent(path)) : undefined;
  const said = beside === undefined ? [] : [...(fields.get(beside.path)?.words.keys() ?? [])];
  if (said.length > 0) return said.length === 1 ? said[0] : undefined;
  const ending = byEnding.find(([pattern]) => pattern.test(name));
  return unitOfName(name) ?? (ending === undefined ? undefined : /mbar$/i.test(name) ? 'mbar' : ending[1]);
}

const parent = (path: string): string => path.replace(/(?:\.[^.[\]]+|\[[^\]]+\])$/, '');
