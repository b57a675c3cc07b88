import { FieldRecord } from './field-record.ts';
import { type Dissected, dissect, type PayloadKind, type Series } from './payload.ts';
import { ClockRecord } from './time-stamp.ts';

export interface HeardMessage {
  readonly topic: string;
  readonly payload: Buffer;
  readonly arrivalMs: number;
  readonly retained: boolean;
  readonly qos: 0 | 1 | 2;
}

export interface Bounds {
  readonly topics: number;
  /** Of all topics together. */
  readonly fields: number;
}

const keptGaps = 128;
const mostFieldsOfTopic = 128;
/** Further ones are counted and timed; what is in a payload is known by then. */
const dissectedOfTopic = 500;
/** Larger ones are counted only. */
const largestDissectedBytes = 262_144;
const largestKeptBytes = 8_192;
const mostTagValues = 20;

/** What the lines of one measurement of line protocol are told apart by. */
export class MeasurementRecord {
  lines = 0;
  timed = 0;
  readonly tags = new Map<string, { lines: number; readonly values: Set<string> }>();

  add({ tags, time }: Series): void {
    this.lines++;
    if (time !== undefined) this.timed++;
    for (const [name, value] of tags) {
      let known = this.tags.get(name);
      if (known === undefined) {
        if (this.tags.size >= mostTagValues) continue;
        known = { lines: 0, values: new Set() };
        this.tags.set(name, known);
      }
      known.lines++;
      if (known.values.size < mostTagValues) known.values.add(value);
    }
  }
}

/** A word may stand where a number does: both are the whole payload. */
const formOf = (kind: PayloadKind): string => (kind === 'word' ? 'scalar' : kind);

/** What was heard of one topic. Bounded. */
export class TopicRecord {
  readonly topic: string;
  messages = 0;
  retained = 0;
  /** The same payload as the one before. */
  repeated = 0;
  bytes = 0;
  smallest = Number.POSITIVE_INFINITY;
  largest = 0;
  readonly qos = new Set<number>();
  readonly kinds = new Map<PayloadKind, number>();
  readonly remarks = new Map<string, number>();
  /** By the kind of payload: a path means another thing in another kind. */
  readonly #fields = new Map<string, Map<string, FieldRecord>>();
  #fieldCount = 0;
  /** There was no room for all of them. */
  isCut = false;
  csv: { readonly separator: string; readonly header: readonly string[] | undefined; readonly columnCount: number } | undefined;
  readonly measurements = new Map<string, MeasurementRecord>();
  /** Of the times at the end of lines (line protocol). */
  readonly lineClock = new ClockRecord();
  /** The last payload that was taken apart, for trying a proposal. */
  example: Buffer | undefined;
  exampleMs = 0;
  readonly #gaps: number[] = [];
  #gapCount = 0;
  #lastMs: number | undefined;
  #last: Buffer | undefined;
  #dissected = 0;

  constructor(topic: string) {
    this.topic = topic;
  }

  /** `newField`: whether there is room for one more. */
  add({ topic, payload, arrivalMs, retained, qos }: HeardMessage, newField: () => boolean): void {
    this.messages++;
    this.bytes += payload.length;
    this.smallest = Math.min(this.smallest, payload.length);
    this.largest = Math.max(this.largest, payload.length);
    this.qos.add(qos);
    if (retained) this.retained++;
    else {
      if (this.#lastMs !== undefined) this.#gaps[this.#gapCount++ % keptGaps] = arrivalMs - this.#lastMs;
      this.#lastMs = arrivalMs;
    }
    if (this.#last?.equals(payload) === true) this.repeated++;
    this.#last = payload.length <= largestKeptBytes ? Buffer.from(payload) : undefined;
    if (this.#dissected >= dissectedOfTopic || payload.length > largestDissectedBytes) return;
    this.#dissected++;
    const found = dissect(topic, payload);
    this.kinds.set(found.kind, (this.kinds.get(found.kind) ?? 0) + 1);
    if (found.remark !== undefined && this.remarks.size < 8) this.remarks.set(found.remark, (this.remarks.get(found.remark) ?? 0) + 1);
    if (found.kind !== 'empty') {
      this.example = this.#last;
      this.exampleMs = arrivalMs;
    }
    this.#take(found, arrivalMs, retained, newField);
  }

  /** Values by their path, of payloads of the kind that most are. */
  get fields(): ReadonlyMap<string, FieldRecord> {
    return this.#fields.get(formOf(this.kind)) ?? new Map<string, FieldRecord>();
  }

  /** ms between two live messages, the last ones. */
  get gaps(): readonly number[] {
    return this.#gaps;
  }

  get kind(): PayloadKind {
    let best: PayloadKind = 'empty';
    let most = 0;
    for (const [kind, count] of this.kinds) {
      // One that a device sends when it has nothing to say tells nothing of the others.
      if (kind === 'empty' || count <= most) continue;
      best = kind;
      most = count;
    }
    return best;
  }

  #take(found: Dissected, arrivalMs: number, retained: boolean, newField: () => boolean): void {
    if (found.csv !== undefined) this.csv = found.csv;
    for (const one of found.series ?? []) {
      let known = this.measurements.get(one.measurement);
      if (known === undefined) {
        if (this.measurements.size >= mostFieldsOfTopic) continue;
        known = new MeasurementRecord();
        this.measurements.set(one.measurement, known);
      }
      known.add(one);
      if (one.time !== undefined) this.lineClock.add(one.time, arrivalMs, retained);
    }
    if (found.leaves.length === 0) return;
    const form = formOf(found.kind);
    const fields = this.#fields.get(form) ?? new Map<string, FieldRecord>();
    this.#fields.set(form, fields);
    for (const leaf of found.leaves) {
      let field = fields.get(leaf.path);
      if (field === undefined) {
        if (this.#fieldCount >= mostFieldsOfTopic || !newField()) {
          this.isCut = true;
          continue;
        }
        field = new FieldRecord(leaf);
        fields.set(leaf.path, field);
        this.#fieldCount++;
      }
      if (field.name !== leaf.name) field.isRenamed = true;
      field.add(leaf.value, arrivalMs, retained);
    }
  }
}

/** Everything that was heard, topic by topic. */
export class HeardTopics {
  readonly #bounds: Bounds;
  readonly topics = new Map<string, TopicRecord>();
  messages = 0;
  bytes = 0;
  /** Messages of topics for which there was no room. */
  beyondTopics = 0;
  /** Values for which there was no room. */
  beyondFields = 0;
  #fields = 0;

  constructor(bounds: Bounds = { topics: 2_000, fields: 40_000 }) {
    this.#bounds = bounds;
  }

  add(message: HeardMessage): void {
    this.messages++;
    this.bytes += message.payload.length;
    let topic = this.topics.get(message.topic);
    if (topic === undefined) {
      if (this.topics.size >= this.#bounds.topics) {
        this.beyondTopics++;
        return;
      }
      topic = new TopicRecord(message.topic);
      this.topics.set(message.topic, topic);
    }
    topic.add(message, this.#newField);
  }

  readonly #newField = (): boolean => {
    if (this.#fields < this.#bounds.fields) {
      this.#fields++;
      return true;
    }
    this.beyondFields++;
    return false;
  };
}
