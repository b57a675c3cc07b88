import type { AlarmTransition } from '../../core/alarm.ts';
import { quality, qualityName } from '../../core/quality.ts';
import type { Score } from '../../core/score.ts';
import type { NamedSamples } from '../../core/sink.ts';
import { escapeName, joinNanoseconds, lineHead, lineOf, nanoseconds, numberField, textField } from './line-protocol.ts';

/** What a tag is called that has nothing to say: every point of a measurement has the same tag keys (InfluxDB 3 asks for that). */
const nothing = '-';
const alarmsPerMs = 1_000_000;
const headsKept = 100_000;

/**
 * Results → lines. Measurement, tags and time make the key of a point, and all three come from the event, so that a
 * repeat overwrites the same point. Every time stamp is in nanoseconds.
 */
export class LineEncoder {
  readonly #site: string;
  readonly #extra: Readonly<Record<string, string>>;
  readonly #sampleHeads = new Map<string, string>();

  constructor(site: string, extraTags: Readonly<Record<string, string>>) {
    this.#site = site;
    this.#extra = extraTags;
  }

  /**
   * `fettle_alarm`. Two transitions of one asset in one millisecond must not overwrite each other: the nanoseconds
   * below it are the transition's sequence, which also keeps their order.
   */
  transition(transition: AlarmTransition): string {
    const head = lineHead('fettle_alarm', {
      ...this.#extra,
      site: this.#site,
      asset: transition.asset,
      rule: transition.rule,
      tag: transition.tag ?? nothing,
    });
    const fields = `state=${textField(transition.to)},from=${textField(transition.from)},to=${textField(transition.to)},\
id=${textField(transition.id)},sequence=${transition.sequence}i,kind=${textField(transition.kind)},\
priority=${textField(transition.priority)},message=${textField(transition.message)},\
${numberField('ratio', transition.ratio)}${optionalText('model', transition.model)}${optionalText('advice', transition.advice)}\
${optionalText('consequence', transition.consequence)}${optionalText('by', transition.by)}${optionalText('comment', transition.comment)}${transition.provisional ? 'provisional=true,' : ''}${transition.withdrawn ? 'withdrawn=true,' : ''}`;
    return lineOf(head, fields, joinNanoseconds(Math.floor(transition.atMs), transition.sequence % alarmsPerMs));
  }

  /** `fettle_score`, the parts of a score as fields `contribution_<channel>`; empty for "no score". */
  score(score: Score): string {
    const head = lineHead('fettle_score', { ...this.#extra, site: this.#site, asset: score.asset, model: score.model });
    let fields = `${numberField('score', score.value)}`;
    if (fields === '') return '';
    fields += numberField('limit', score.limit) + numberField('ratio', score.value / score.limit);
    for (let channel = 0; channel < score.channels.length; channel++) {
      fields += numberField(`contribution_${escapeName(score.channels[channel] as string)}`, score.contributions[channel] ?? null);
    }
    return lineOf(head, fields, nanoseconds(score.windowEndMs));
  }

  /** `fettle_sample`, a line a sample: `value` or `text`, and `quality` where it is not good. */
  samples({ block, tagName, textOf }: NamedSamples): { lines: string; count: number } {
    let lines = '';
    let count = 0;
    // The rows of a poll share their time.
    let timeMs = Number.NaN;
    let time = '';
    for (let row = 0; row < block.length; row++) {
      const tag = block.tag[row] as number;
      const value = block.value[row] as number;
      const code = block.quality[row] as number;
      const text = textOf(tag, value);
      let fields = text === undefined ? (Number.isFinite(value) ? `value=${value}` : '') : `text=${textField(text)}`;
      if (code !== quality.good) fields += `${fields === '' ? '' : ','}quality=${textField(qualityName(code))}`;
      const rowMs = block.timeMs[row] as number;
      if (fields === '' || !Number.isFinite(rowMs)) continue;
      if (rowMs !== timeMs) {
        timeMs = rowMs;
        time = nanoseconds(rowMs);
      }
      lines += `${count++ === 0 ? '' : '\n'}${this.#sampleHead(tagName(tag))}${fields} ${time}`;
    }
    return { lines, count };
  }

  #sampleHead(tag: string): string {
    const known = this.#sampleHeads.get(tag);
    if (known !== undefined) return known;
    if (this.#sampleHeads.size >= headsKept) this.#sampleHeads.clear();
    const head = lineHead('fettle_sample', { ...this.#extra, site: this.#site, tag });
    this.#sampleHeads.set(tag, head);
    return head;
  }
}

const optionalText = (key: string, text: string | null): string => (text === null ? '' : `${key}=${textField(text)},`);
