/** Deepest asset id that is looked for among retained topics of earlier configurations. */
const deepestAsset = 8;
/** Reserved by MQTT (`+ # $`), or by this encoding (`%`); `/` separates levels and stays. */
const reserved = /[+#$%\p{Cc}]/gu;

/** DESIGN section 5: where what is published. Characters MQTT reserves are percent-encoded. */
export class Topics {
  readonly base: string;

  constructor(root: string, site: string) {
    this.base = `${root}/${escapeLevels(site)}`;
  }

  get status(): string {
    return `${this.base}/status`;
  }

  get describe(): string {
    return `${this.base}/describe`;
  }

  get commands(): string {
    return `${this.base}/cmd/+`;
  }

  alarm(asset: string): string {
    return `${this.base}/${assetLevels(asset)}/alarm`;
  }

  event(asset: string): string {
    return `${this.alarm(asset)}/event`;
  }

  score(asset: string): string {
    return `${this.base}/${assetLevels(asset)}/score`;
  }

  response(verb: string): string {
    return `${this.base}/cmd/${verb}/response`;
  }

  /** MQTT has no wildcard for "any levels, then alarm": one filter a depth. */
  alarmFilters(): string[] {
    return Array.from({ length: deepestAsset }, (_, depth) => `${this.base}/${'+/'.repeat(depth + 1)}alarm`);
  }

  /** The asset of an `…/alarm` topic; undefined for any other topic. */
  assetOfAlarm(topic: string): string | undefined {
    if (!topic.startsWith(`${this.base}/`) || !topic.endsWith('/alarm')) return undefined;
    const levels = topic.slice(this.base.length + 1, -'/alarm'.length);
    try {
      return levels === '' ? undefined : decodeURIComponent(levels);
    } catch {
      return undefined;
    }
  }

  /** The verb of a command topic; undefined for any other topic. */
  verbOf(topic: string): string | undefined {
    const rest = topic.startsWith(`${this.base}/cmd/`) ? topic.slice(this.base.length + 5) : '';
    return rest === '' || rest.includes('/') ? undefined : rest;
  }
}

const escapeLevels = (text: string): string => text.replace(reserved, (character) => encodeCharacter(character));

/** An asset whose first level is `cmd` would be heard as a command. */
const assetLevels = (asset: string): string => escapeLevels(asset).replace(/^c(?=md(?:\/|$))/, '%63');

const encodeCharacter = (character: string): string =>
  [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
