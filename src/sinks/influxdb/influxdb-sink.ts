import type { AlarmTransition } from '../../core/alarm.ts';
import { errorText, FettleError, hasCode } from '../../core/errors.ts';
import type { Score } from '../../core/score.ts';
import type { DeliveryReport, Lane, NamedSamples, OutboxEntry, Sink, SinkContext, SinkStatus } from '../../core/sink.ts';
import { InfluxdbAdmin } from './admin.ts';
import type { InfluxdbConfig } from './config.ts';
import { LineEncoder } from './encode.ts';
import { WriteRequest } from './request.ts';
import { LineWriter } from './write.ts';

const laneOf: Record<InfluxdbConfig['send'][number], Lane> = { alarms: 'alarms', scores: 'results', samples: 'samples' };

/**
 * Scores, alarms and samples as line protocol to whatever takes it at `/write`. Payloads are lines joined by `\n`.
 * `start` opens nothing: the first delivery connects.
 */
export class InfluxdbSink implements Sink {
  readonly id: string;
  readonly type = 'influxdb';
  readonly maxBatch: { readonly points: number; readonly bytes: number; readonly waitMs: number };
  readonly wants: ReadonlySet<Lane>;
  readonly #encoder: LineEncoder;
  readonly #writer: LineWriter;
  #state: SinkStatus['state'] = 'connecting';
  #problem: { lastError: string; hint?: string } | undefined;
  #delivered = 0;

  constructor(config: InfluxdbConfig, context: SinkContext) {
    this.id = config.id;
    this.maxBatch = { points: config.batch.points, bytes: config.batch.bytes, waitMs: config.batch.wait };
    this.wants = new Set(config.send.map((kind) => laneOf[kind]));
    this.#encoder = new LineEncoder({
      site: context.site,
      tags: config.tags,
      expected: config.expected,
      unitOf: (tag) => context.unitOf?.(tag),
    });
    const admin = new InfluxdbAdmin(config);
    const create = async () => {
      await admin.createDatabase();
      context.log.info({ database: config.database }, `created the database ${config.database} at ${config.url}`);
    };
    this.#writer = new LineWriter(new WriteRequest(config), config.batch.bytes, config.createDatabase ? create : undefined);
  }

  start(_signal: AbortSignal): Promise<void> {
    this.#state = 'connecting';
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#state = 'stopped';
    return Promise.resolve();
  }

  encodeTransition(transition: AlarmTransition): Uint8Array | undefined {
    return this.wants.has('alarms') ? bytesOf(this.#encoder.transition(transition)) : undefined;
  }

  encodeScores(scores: readonly Score[]): Uint8Array | undefined {
    if (!this.wants.has('results')) return undefined;
    let lines = '';
    for (const score of scores) {
      const line = this.#encoder.score(score);
      if (line !== '') lines += lines === '' ? line : `\n${line}`;
    }
    return bytesOf(lines);
  }

  encodeSamples(samples: NamedSamples): Uint8Array | undefined {
    return this.wants.has('samples') ? bytesOf(this.#encoder.samples(samples).lines) : undefined;
  }

  async deliver(entries: readonly OutboxEntry[], signal: AbortSignal): Promise<DeliveryReport> {
    try {
      const report = await this.#writer.write(entries, signal);
      this.#state = report.rejected.length > 0 ? 'degraded' : 'good';
      const [first] = report.rejected;
      this.#problem = first && { lastError: first.reason, hint: `For example: ${first.example}` };
      this.#delivered += entries.reduce((sum, entry) => sum + entry.count, 0);
      return report;
    } catch (error) {
      if (!signal.aborted) this.#failed(error);
      throw error;
    }
  }

  status(): SinkStatus {
    return { state: this.#state, ...this.#problem, counters: { delivered: this.#delivered, ...this.#writer.counters } };
  }

  #failed(error: unknown): void {
    this.#state = hasCode(error, 'FETTLE_INFLUXDB_DENIED') ? 'failed' : 'degraded';
    const hint = error instanceof FettleError ? error.hint : undefined;
    this.#problem = { lastError: errorText(error), ...(hint !== undefined && { hint }) };
  }
}

const bytesOf = (lines: string): Uint8Array | undefined => (lines === '' ? undefined : Buffer.from(lines));
