import { type AlarmTransition, alarmStates, isStanding } from '../../core/alarm.ts';
import { quality, qualityName } from '../../core/quality.ts';
import type { Score } from '../../core/score.ts';
import type { NamedSamples } from '../../core/sink.ts';
import { escapeName, joinNanoseconds, lineHead, lineOf, nanoseconds, numberField, textField } from './line-protocol.ts';

/** What a tag is called that has nothing to say: every point of a measurement has the same tag keys (InfluxDB 3 asks for that). */
const nothing = '-';
const alarmsPerMs = 1_000_000;
const headsKept = 100_000;
/** 2³² over the golden ratio: multiples of it fall evenly over the 32 bits, whatever the distance of the samples. */
const golden = 0x9e3779b1;

export interface LineEncoderOptions {
  readonly site: string;
  /** Further tags for every point. */
  readonly tags: Readonly<Record<string, string>>;
  /** Whether a score says what was expected of each channel. */
  readonly expected: boolean;
  /** engineeringUnit of a tag. */
  readonly unitOf?: ((tag: string) => string | undefined) | undefined;
}

interface SampleHead {
  readonly head: string;
  /** `,unit="°C"`, or nothing. */
  readonly unit: string;
}

/**
 * Results → lines. Measurement, tags and time make the key of a point, and all three come from the event, so that a
 * repeat overwrites the same point. Every time stamp is in nanoseconds.
 */
export class LineEncoder {
  readonly #site: string;
  readonly #extra: Readonly<Record<string, string>>;
  readonly #expected: boolean;
  readonly #unitOf: (tag: string) => string | undefined;
  readonly #sampleHeads = new Map<string, SampleHead>();

  constructor({ site, tags, expected, unitOf = () => undefined }: LineEncoderOptions) {
    this.#site = site;
    this.#extra = tags;
    this.#expected = expected;
    this.#unitOf = unitOf;
  }

  /**
   * `fettle_alarm`, and `fettle_alarm_span` where something begins or ceases to stand. Two transitions of one asset in
   * one millisecond must not overwrite each other: the nanoseconds below it are the transition's sequence, which also
   * keeps their order. `active` and `state_code` (place in `alarmStates`) are for stores that keep numbers only.
   */
  transition(transition: AlarmTransition): string {
    const tags = { ...this.#extra, site: this.#site, asset: transition.asset, rule: transition.rule, tag: transition.tag ?? nothing };
    const { from, to } = transition;
    // What was said has the time of a clock, changes that of the machine: the last state is that of the last change.
    const state = from === to ? '' : `state=${textField(to)},state_code=${alarmStates.indexOf(to)}i,active=${isStanding(to) ? 1 : 0}i,`;
    const fields = `${state}from=${textField(from)},to=${textField(to)},\
id=${textField(transition.id)},sequence=${transition.sequence}i,kind=${textField(transition.kind)},\
priority=${textField(transition.priority)},message=${textField(transition.message)},\
${numberField('ratio', transition.ratio)}${optionalText('model', transition.model)}${optionalText('advice', transition.advice)}\
${optionalText('consequence', transition.consequence)}${optionalText('by', transition.by)}${optionalText('comment', transition.comment)}${optionalText('verb', transition.verb ?? null)}${transition.provisional ? 'provisional=true,' : ''}${transition.withdrawn ? 'withdrawn=true,' : ''}`;
    const time = joinNanoseconds(Math.floor(transition.atMs), transition.sequence % alarmsPerMs);
    const span = this.#span(transition, tags);
    return `${lineOf(lineHead('fettle_alarm', tags), fields, time)}${span === '' ? '' : `\n${span}`}`;
  }

  /** `fettle_alarm_span`, at the time an alarm began to stand; written again with `time_end` (ms) once it does not, so that a chart shows a stretch. */
  #span(
    { from, to, atMs, stoodSinceMs, rule, tag, asset, message, priority }: AlarmTransition,
    tags: Readonly<Record<string, string>>,
  ): string {
    const begins = isStanding(to) && !isStanding(from);
    if (!begins && stoodSinceMs === undefined) return '';
    let fields = `priority=${textField(priority)},`;
    if (begins) fields += `title=${textField(`${asset}: ${tag === null ? rule : `${rule} ${tag}`}`)},text=${textField(message)},`;
    else fields += `time_end=${Math.floor(atMs)}i,`;
    return lineOf(lineHead('fettle_alarm_span', tags), fields, nanoseconds(Math.floor(stoodSinceMs ?? atMs)));
  }

  /** `fettle_score`, the parts of a score as fields `contribution_<channel>`, what was expected as `expected_<channel>`; empty for "no score". */
  score(score: Score): string {
    const head = lineHead('fettle_score', { ...this.#extra, site: this.#site, asset: score.asset, model: score.model });
    let fields = `${numberField('score', score.value)}`;
    if (fields === '') return '';
    fields += numberField('limit', score.limit) + numberField('ratio', score.value / score.limit);
    for (let channel = 0; channel < score.channels.length; channel++) {
      const name = escapeName(score.channels[channel] as string);
      fields += numberField(`contribution_${name}`, score.contributions[channel] ?? null);
      if (this.#expected) fields += numberField(`expected_${name}`, score.expected[channel] ?? null);
    }
    return lineOf(head, fields, nanoseconds(score.windowEndMs));
  }

  /**
   * `fettle_sample`, a line a sample: `value` or `text`, and `quality` where it is not good. In one second of 64, which
   * ones the time alone decides, samples also say their `unit`: often enough to be found, and a repeat says the same.
   */
  samples({ block, tagName, textOf }: NamedSamples): { lines: string; count: number } {
    let lines = '';
    let count = 0;
    // The rows of a poll share their time.
    let timeMs = Number.NaN;
    let time = '';
    let saysUnit = false;
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
        saysUnit = Math.imul(Math.floor(rowMs / 1000), golden) >>> 26 === 0;
      }
      const { head, unit } = this.#sampleHead(tagName(tag));
      lines += `${count++ === 0 ? '' : '\n'}${head}${fields}${saysUnit ? unit : ''} ${time}`;
    }
    return { lines, count };
  }

  #sampleHead(tag: string): SampleHead {
    const known = this.#sampleHeads.get(tag);
    if (known !== undefined) return known;
    if (this.#sampleHeads.size >= headsKept) this.#sampleHeads.clear();
    const unit = this.#unitOf(tag);
    const made = {
      head: lineHead('fettle_sample', { ...this.#extra, site: this.#site, tag }),
      unit: unit === undefined ? '' : `,unit=${textField(unit)}`,
    };
    this.#sampleHeads.set(tag, made);
    return made;
  }
}

const optionalText = (key: string, text: string | null): string => (text === null ? '' : `${key}=${textField(text)},`);
