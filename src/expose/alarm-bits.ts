import { type AlarmRule, isStanding } from '../core/alarm.ts';
import type { Exposed, Point } from './register-map.ts';

/** Of each asset the bits of its own rules, then those of each of its tags in order: where a rule has its bit does not depend on which others there are. */
const firstAlarmBit = 32_768;
const bitsPerGroup = 8;
/** Assets begin on multiples of it: those with up to 15 tags take one, larger ones as many as they need. */
const bitsPerPlace = 128;

const assetRules = ['anomaly', 'drift', 'notWatched'] as const satisfies readonly AlarmRule[];
const tagRules = ['hihi', 'hi', 'lo', 'lolo', 'rate', 'flatline', 'badQuality'] as const satisfies readonly AlarmRule[];

/** An asset as the bits see it. */
export interface AlarmPlace {
  readonly asset: string;
  readonly tags: readonly string[];
  /** Whether the rule can stand at all as things are configured; every rule when absent. */
  readonly canStand?: (rule: AlarmRule, tag: string | null) => boolean;
}

const words: Readonly<Record<AlarmRule, string>> = {
  anomaly: 'it runs as it never did',
  drift: 'it changes slowly',
  notWatched: 'it is not watched',
  hihi: 'above the highest limit',
  hi: 'above the limit',
  lo: 'below the limit',
  lolo: 'below the lowest limit',
  rate: 'changes too fast',
  flatline: 'does not move',
  badQuality: 'has no usable value',
};

/** A bit for each alarm that can stand; assets for which there is no room have none. */
export function alarmBits(places: readonly AlarmPlace[]): Point[] {
  const points: Point[] = [];
  let place = firstAlarmBit;
  for (const { asset, tags, canStand = () => true } of places) {
    const groups = [{ tag: null, rules: assetRules }, ...tags.map((tag) => ({ tag, rules: tagRules }))];
    const end = place + Math.ceil((groups.length * bitsPerGroup) / bitsPerPlace) * bitsPerPlace;
    if (end > 65_536) break;
    groups.forEach(({ tag, rules }, group) => {
      rules.forEach((rule, bit) => {
        if (canStand(rule, tag)) points.push(alarmBit(asset, rule, tag, place + group * bitsPerGroup + bit));
      });
    });
    place = end;
  }
  return points;
}

const alarmBit = (asset: string, rule: AlarmRule, tag: string | null, address: number): Point => ({
  table: 'bit',
  address,
  type: 'bool',
  name: `${asset}/alarm/${rule}${tag === null ? '' : `/${tag}`}`,
  meaning: `1: ${tag === null ? words[rule] : `${tag} ${words[rule]}`}`,
  read: ({ status }: Exposed) =>
    Number(
      status.assets
        .find((one) => one.asset === asset)
        ?.alarms.some((alarm) => alarm.rule === rule && alarm.tag === tag && isStanding(alarm.state)) ?? false,
    ),
});
