import type { AssetChart } from '../charts/asset-chart.ts';
import { ChartKeeper } from '../charts/chart-keeper.ts';
import type { LoadedConfig } from '../config/load.ts';
import { engineeringUnitOf } from '../config/schema.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { type AlarmCommand, type ControlRow, isVerdict } from '../core/control-row.ts';
import { formatBytes } from '../core/duration.ts';
import { errorText, FettleError } from '../core/errors.ts';
import { gatewayVersion } from '../core/gateway-version.ts';
import type { Logger } from '../core/logger.ts';
import { modelName } from '../core/manifest.ts';
import { SampleBlockBuilder } from '../core/sample-block.ts';
import type { SentSample } from '../core/sent-sample.ts';
import type { Source } from '../core/source.ts';
import { Journal } from '../journal/journal.ts';
import { readSegment } from '../journal/segment.ts';
import { SinkDelivery } from '../outbox/delivery.ts';
import { HttpSource } from '../sources/http/index.ts';
import { sourceDefinitions } from '../sources/index.ts';
import type { BackupFacts } from './backup.ts';
import { backupTo } from './backup-of.ts';
import { assetChart, type ChartQuery } from './chart-of.ts';
import { claimedCommand } from './commands.ts';
import { Committer } from './committer.ts';
import { GatewayCounters } from './counters.ts';
import { Fold } from './fold.ts';
import type { GatewayListener } from './gateway-events.ts';
import { type HistoryBatch, type HistoryQuery, historySamples } from './history-samples.ts';
import { IdleWatch } from './idle-watch.ts';
import { GatewayInlet } from './inlet.ts';
import { LastValues } from './last-values.ts';
import { ModelControl } from './model-control.ts';
import { Names } from './names.ts';
import { JournalOutboxStore } from './outbox-store.ts';
import { Outgoing } from './outgoing.ts';
import type { PipelineOutput } from './pipeline.ts';
import { ResultsOutlet } from './results-outlet.ts';
import { createSinks, type SinkSet } from './sink-set.ts';
import { FileSourceMemory } from './source-memory.ts';
import { SourceRates } from './source-rates.ts';
import { type GatewayStatus, troubledParts } from './status.ts';
import { limitsOf, type StorageForecast, storageForecast } from './storage-forecast.ts';
import { type TagNow, tagList } from './tag-list.ts';
import { textTagsOf } from './text-tags.ts';
import { TickPace } from './tick-pace.ts';
import { upgradedStatus } from './upgraded-status.ts';
import { episodesOf, placed } from './verdicts.ts';
import { withdrawalOf } from './withdrawal.ts';

export const version = gatewayVersion;

export interface GatewayOptions {
  readonly log: Logger;
  readonly clock?: Clock;
  readonly listener?: GatewayListener;
  /** Only the power-cut test sets it, to show that the test would see the loss. */
  readonly synchronous?: 'FULL' | 'NORMAL';
  /** Only the fault tests set it, to show that acknowledging early would be seen. */
  readonly acknowledge?: 'afterCommit' | 'beforeCommit';
}

const lookAroundMs = 500;

/** What a source gave for one tick. */
interface Taken {
  readonly source: number;
  readonly block: SampleBlockBuilder;
  readonly mark: number | undefined;
}

interface Control {
  readonly row: ControlRow;
  readonly done?: (error: unknown) => void;
}

/**
 * The composition root, in the order of the data: sources → fold (windows, scoring, alarms) → commit → acknowledgement, outbox, sinks.
 * `start` recovers the state first; `stop` ends sources, commits what they gave, and ends the sinks.
 */
export class Gateway {
  readonly #loaded: LoadedConfig;
  readonly #options: GatewayOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #journal: Journal;
  readonly #names: Names;
  readonly #fold: Fold;
  /** What judges the assets that learn from themselves. */
  readonly models: ModelControl;
  readonly #committer: Committer;
  readonly #inlets: GatewayInlet[] = [];
  readonly #sources: Source[] = [];
  readonly #sinks: SinkSet;
  readonly #results: ResultsOutlet;
  readonly #outgoing: Outgoing;
  readonly #idleWatch: IdleWatch;
  readonly #pace = new TickPace();
  readonly #rates = new SourceRates();
  readonly #deliveries: SinkDelivery[] = [];
  readonly #stopped = new AbortController();
  readonly #controls: Control[] = [];
  readonly #startedMs: number;
  readonly counters = new GatewayCounters();
  readonly #last = new LastValues();
  readonly #charts: ChartKeeper;
  #ticking: Promise<void> | undefined;
  #scheduled = false;
  #lookTimer: NodeJS.Timeout | undefined;
  /** A transition went out in this tick. */
  #announced = false;

  private constructor(loaded: LoadedConfig, options: GatewayOptions, journal: Journal, names: Names, fold: Fold) {
    this.#loaded = loaded;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log;
    this.#journal = journal;
    this.#names = names;
    this.#fold = fold;
    this.#charts = new ChartKeeper(journal, loaded.config.data, options.log);
    this.#startedMs = this.#clock.wallMs();
    const { config } = loaded;
    this.#sinks = createSinks(config, (id) => ({
      id,
      site: config.site,
      clock: this.#clock,
      log: this.#log.child({ sink: id }),
      unitOf: (tag) => engineeringUnitOf(config, tag) ?? undefined,
    }));
    const { sinks, live } = this.#sinks;
    this.#results = new ResultsOutlet(sinks, live, (sink, count, payload) => this.#committer.outbox(sink, 'results', count, payload));
    this.#outgoing = new Outgoing(this.#clock, sinks);
    this.#idleWatch = new IdleWatch(this.#inlets, this.#clock);
    const textTags = textTagsOf(config, names);
    for (const sink of sinks) {
      const store = new JournalOutboxStore(journal, sink, names, textTags, this.#clock);
      this.#deliveries.push(new SinkDelivery(sink, store, this.#clock, this.#log.child({ sink: sink.id })));
    }
    this.#committer = new Committer(
      journal,
      names,
      {
        urgentMs: config.journal === 'off' ? 20 : config.journal.commit,
        onDiskFull: config.journal === 'off' ? 'acknowledge' : config.journal.onDiskFull,
        maxWaitingBytes: config.limits.memory,
        keepSamples: config.journal !== 'off',
        sampleSinks: sinks.filter(({ wants }) => wants.has('samples')).map(({ id }) => id),
      },
      {
        committed: (marks) => this.#acknowledge(marks),
        delivered: (lanes, entries) => {
          this.#outgoing.add(entries);
          for (const delivery of this.#deliveries) for (const lane of lanes) delivery.wake(lane);
        },
        resume: () => {
          for (const source of this.#sources) source.resume();
        },
        beforeCommit: () => this.#results.flush(),
        snapshot: () => this.#fold.save(),
      },
      this.#clock,
      this.#log,
    );
    this.models = new ModelControl({
      config,
      journal,
      fold,
      names,
      clock: this.#clock,
      log: this.#log,
      listener: options.listener,
      flush: () => this.#committer.flush(),
      control: (row, done) => this.#control(row, done),
    });
  }

  /**
   * Opens the data directory and the models, recovers the state, starts sinks and sources. Resolves when everything runs; connections
   * may still be under way. Throws FETTLE_DATA_LOCKED, FETTLE_DATA_TOO_NEW, FETTLE_MODEL_INVALID, FETTLE_MODEL_MISMATCH.
   */
  static async start(loaded: LoadedConfig, options: GatewayOptions): Promise<Gateway> {
    const { config } = loaded;
    const journal = await Journal.open(
      {
        directory: config.data,
        maxBytes: limitsOf(config.journal).maxBytes,
        maxAgeMs: limitsOf(config.journal).maxAge,
        ...(options.synchronous !== undefined && { synchronous: options.synchronous }),
        version,
      },
      ({ fromSchema, toSchema, bytes }) =>
        options.log.info(
          { fromSchema, toSchema, bytes },
          `${config.data} is of an older version: a copy of about ${formatBytes(bytes)} is kept, then it is brought to schema ${toSchema}`,
        ),
    );
    let fold: Fold | undefined;
    try {
      if (journal.opened.setAside !== null) {
        options.log.error(
          { code: 'FETTLE_JOURNAL_CORRUPT', setAside: journal.opened.setAside },
          `the database in ${config.data} was damaged; it was set aside as ${journal.opened.setAside} and a fresh one opened`,
        );
      }
      const names = new Names(journal.opened.names, config.limits);
      fold = await Fold.open(config, names, options.log, journal.opened.snapshot?.data);
      const gateway = new Gateway(loaded, options, journal, names, fold);
      await gateway.#recover();
      await gateway.#startAll();
      return gateway;
    } catch (error) {
      await journal.close();
      await fold?.dispose();
      throw error;
    }
  }

  /** Ends sources, commits what they gave, ends sinks, closes the database. May be called twice. */
  async stop(): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    clearInterval(this.#lookTimer);
    for (const source of this.#sources) await source.stop();
    this.#stopped.abort();
    while (this.#ticking !== undefined || this.#inlets.some(({ hasInput }) => hasInput)) {
      await (this.#ticking ?? this.#startTick());
    }
    await this.#committer.stop();
    for (const delivery of this.#deliveries) await delivery.stop();
    for (const sink of this.#sinks.sinks) await sink.stop();
    await this.models.learner.settled();
    await this.#charts.stop();
    await this.#journal.close();
    await this.#fold.dispose();
  }

  /** Carries out a command of a person or program; durable when it resolves. Throws FETTLE_COMMAND_INVALID, FETTLE_ASSET_UNKNOWN. */
  async command(command: AlarmCommand): Promise<void> {
    if (!this.#loaded.config.assets.some(({ id }) => id === command.asset)) {
      throw new FettleError('FETTLE_ASSET_UNKNOWN', `there is no asset ${command.asset}`);
    }
    if (
      command.verb === 'tagReplaced' &&
      !this.#loaded.config.assets.some(({ id, tags }) => id === command.asset && tags.includes(command.tag ?? ''))
    )
      throw new FettleError('FETTLE_COMMAND_INVALID', `${command.asset} watches no tag ${command.tag ?? '(none was named)'}`);
    if (isVerdict(command.verb)) await this.#committer.flush();
    const said = isVerdict(command.verb)
      ? placed(command, await episodesOf(this.#journal, this.#names.asset.intern(command.asset)))
      : command;
    await new Promise<void>((resolve, reject) => {
      this.#control({ kind: 'command', atMs: this.#clock.wallMs(), command: said }, (error) =>
        error === undefined ? resolve() : reject(error as Error),
      );
    });
    await this.#committer.flush();
  }

  status(): GatewayStatus {
    const sources = Object.fromEntries(
      this.#sources.map((source) => {
        const one = source.status();
        const perSecond = this.#rates.look(source.id, one, this.#clock.monotonicMs());
        return [source.id, { ...one, ...(perSecond !== undefined && { perSecond }) }];
      }),
    );
    const sinks = Object.fromEntries(
      this.#sinks.sinks.map((sink, i) => {
        const delivery = (this.#deliveries[i] as SinkDelivery).status();
        const incomingPointsPerSecond = this.#outgoing.pointsPerSecond(sink.id);
        return [sink.id, { sink: sink.status(), delivery, wants: [...sink.wants], incomingPointsPerSecond }];
      }),
    );
    const { commits, failedCommits, lastSeq, commitMs, unkeptSamples, droppedRows } = this.#committer.counters;
    const { samples, badSamples, redeliveredKnown, windows, scores, scoringErrors, invalidWindows, raised, cleared, withdrawn } =
      this.counters;
    const upgraded = upgradedStatus(this.#journal.opened, this.#clock.wallMs());
    const troubled = troubledParts({ sources, sinks, journal: this.#committer });
    return {
      site: this.#loaded.config.site,
      version,
      startedAt: new Date(this.#startedMs).toISOString(),
      uptimeMs: this.#clock.wallMs() - this.#startedMs,
      state: troubled.length > 0 ? 'degraded' : 'good',
      sources,
      sinks,
      journal: {
        keepsSamples: this.#loaded.config.journal !== 'off',
        diskFull: this.#committer.diskFull,
        lastSeq,
        commits,
        failedCommits,
        commitMs,
        unkeptSamples,
        droppedRows,
        setAside: this.#journal.opened.setAside,
        ...(upgraded !== undefined && { upgraded }),
      },
      counters: {
        samples,
        badSamples,
        ...this.#fold.pipeline.counters(),
        redeliveredKnown,
        refusedTags: this.#names.tag.refused,
        windows,
        scores,
        scoringErrors,
        invalidWindows,
        raised,
        cleared,
        withdrawn,
      },
      assets: this.#fold.pipeline.documents(),
      learning: this.models.learner.all(),
    };
  }

  /** Takes samples a program sends for an `http` source; durable when it resolves. Throws as `HttpSource.push`, and FETTLE_COMMAND_INVALID where there is no such source. */
  async push(source: string, samples: readonly SentSample[], resent: boolean): Promise<void> {
    const found = this.#sources.find(({ id }) => id === source);
    if (!(found instanceof HttpSource))
      throw new FettleError('FETTLE_COMMAND_INVALID', `there is no source of type http with the id ${source}`);
    await found.push(samples, resent);
  }

  /** Every tag as it is now. */
  tags(): TagNow[] {
    const { config } = this.#loaded;
    return tagList(config, this.#names, textTagsOf(config, this.#names), this.#last, this.#clock.wallMs());
  }

  /** How much is kept, and how far back it will reach at this rate. */
  async storage(): Promise<StorageForecast> {
    const { config } = this.#loaded;
    return storageForecast(this.#journal, limitsOf(config.journal), config.data, this.#outgoing);
  }

  /** One file with journal, models and configuration, while it runs. Throws FETTLE_BACKUP_FAILED. */
  async backup(file: string): Promise<BackupFacts> {
    await this.#committer.flush();
    return backupTo(file, this.#loaded, this.#journal, version);
  }

  /** Read-only questions to the database, for tools and tests. */
  query<Row>(sql: string, ...parameters: (string | number)[]): Promise<Row[]> {
    return this.#journal.query<Row>(sql, ...parameters);
  }

  /** Samples of the journal in columns, a batch at a time. */
  history(query: HistoryQuery): AsyncGenerator<HistoryBatch> {
    return historySamples(this.#journal, this.#names, textTagsOf(this.#loaded.config, this.#names), query);
  }

  /** A stretch of history of one asset, for people to look at. Throws FETTLE_ASSET_UNKNOWN. */
  chart(query: ChartQuery): Promise<AssetChart> {
    const around = { config: this.#loaded.config, journal: this.#journal, names: this.#names, charts: this.#charts };
    return assetChart({ ...around, manifestOf: (asset) => this.#fold.scorers.get(asset)?.manifest }, query);
  }

  /** Loads the last snapshot and folds what came after it; results of that are in the database already. */
  async #recover(): Promise<void> {
    const { snapshot } = this.#journal.opened;
    const { anew, rebuilds } = this.#fold;
    if (anew.length > 0) this.#log.info({ assets: anew }, 'these assets begin anew: their grid or tags are not those of the last run');
    const silent: PipelineOutput = { score: () => {}, invalid: () => {}, transition: () => {}, scoringFailed: () => {} };
    for await (const { data } of this.#journal.replay(rebuilds ? 0 : (snapshot?.seq ?? 0))) {
      for (const entry of readSegment(data)) {
        if (entry.kind === 'samples') this.#fold.block(entry.block);
        else await this.#fold.control(entry.row, silent);
      }
      await this.#fold.settle(silent);
      this.counters.recoveredSegments++;
    }
    if (rebuilds) await this.#continueSequences();
    this.#fold.pipeline.takeChanged();
    this.#committer.beginTick();
    this.#committer.control({ kind: 'start', atMs: this.#clock.wallMs(), version });
    this.#committer.tickDone();
  }

  /** What was made anew goes on where it was in the eyes of those who listen. */
  async #continueSequences(): Promise<void> {
    const rows = await this.query<{ asset: number; sequence: number }>(
      'SELECT asset, max(sequence) AS sequence FROM transitions GROUP BY asset',
    );
    for (const { asset, sequence } of rows) {
      const id = this.#names.asset.nameOf(asset);
      if (this.#loaded.config.assets.some((own) => own.id === id)) this.#fold.pipeline.raiseSequence(id, sequence);
    }
  }

  async #startAll(): Promise<void> {
    const { config } = this.#loaded;
    const { signal } = this.#stopped;
    for (const [i, sink] of this.#sinks.sinks.entries()) {
      await sink.start(signal);
      await (this.#deliveries[i] as SinkDelivery).start(signal);
    }
    this.#startAlerts(signal);
    for (const sourceConfig of config.sources) {
      const source = this.#names.source.intern(sourceConfig.id);
      const inlet = new GatewayInlet(source, {
        pending: () => this.#schedule(),
        isFull: () => this.#committer.full,
        now: () => ({ wallMs: this.#clock.wallMs(), monotonicMs: this.#clock.monotonicMs() }),
      });
      const definition = sourceDefinitions.find(({ type }) => type === sourceConfig.type) as (typeof sourceDefinitions)[number];
      const context = {
        id: sourceConfig.id,
        site: config.site,
        tags: this.#names.tag,
        texts: this.#names.text,
        inlet,
        clock: this.#clock,
        log: this.#log.child({ source: sourceConfig.id }),
        unitOf: (tag: string) => engineeringUnitOf(config, tag) ?? undefined,
        memory: new FileSourceMemory(config.data, sourceConfig.id, this.#log),
      };
      this.#inlets.push(inlet);
      this.#sources.push(definition.create(sourceConfig as never, context));
    }
    for (const source of this.#sources) await source.start(signal);
    this.#lookTimer = setInterval(() => this.#lookAround(), lookAroundMs);
  }

  #startAlerts(signal: AbortSignal): void {
    const { alerts } = this.#sinks;
    if (alerts === undefined) return;
    const { config } = this.#loaded;
    alerts.setDescription({
      version,
      assets: config.assets.map(({ id, tags }) => ({ id, tags: [...tags], model: this.#modelName(id) })),
      models: [...new Set(this.#fold.scorers.values())].map(({ manifest: { id, version: bundle } }) => ({ id, version: bundle })),
    });
    alerts.setCommandHandler((verb, payload, reply) => {
      Promise.try(async () => {
        const command = claimedCommand(verb, payload, 'mqtt');
        await this.command(command);
        this.#options.listener?.command?.(command, 'mqtt');
      }).then(
        () => reply({ ok: true }),
        (error: unknown) =>
          reply({
            ok: false,
            error: { code: error instanceof FettleError ? error.code : 'FETTLE_COMMAND_INVALID', message: errorText(error) },
          }),
      );
    });
    // What was published before a crash and could not be reproduced is withdrawn by name.
    alerts
      .reconcile(this.#fold.pipeline.documents(), signal)
      .then((ahead) => {
        for (const { asset, sequence, standing } of ahead) this.#withdraw(asset, sequence, standing);
      })
      .catch((error: unknown) => {
        if (!signal.aborted) this.#log.warn({}, `the retained alarm states could not be compared: ${errorText(error)}`);
      });
  }

  #modelName(asset: string): string | null {
    const manifest = this.#fold.scorers.get(asset)?.manifest;
    return manifest === undefined ? null : modelName(manifest);
  }

  #withdraw(asset: string, sequence: number, standing: readonly string[]): void {
    this.#fold.pipeline.raiseSequence(asset, sequence);
    this.#log.warn({ asset, transitions: standing }, 'withdrawing what was published before a crash and did not happen');
    for (const id of standing) {
      this.counters.withdrawn++;
      const transition = withdrawalOf(id, asset, sequence, this.#clock.wallMs());
      for (const sink of this.#sinks.live) sink.announce(transition);
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#stopped.signal.aborted) return;
    this.#scheduled = true;
    const begin = () => {
      this.#scheduled = false;
      if (this.#ticking === undefined && !this.#stopped.signal.aborted) void this.#startTick();
    };
    const waitMs = this.#pace.waitMs(this.#clock.monotonicMs());
    // The end of this turn, where there is no reason to wait: what the sockets hold now is one burst.
    if (waitMs < 1) setImmediate(begin);
    else setTimeout(begin, waitMs);
  }

  /** One tick at a time; what came in meanwhile asks for the next. */
  #startTick(): Promise<void> {
    this.#ticking = this.#tick().finally(() => {
      this.#ticking = undefined;
      if (this.#controls.length > 0 || this.#inlets.some(({ hasInput }) => hasInput)) this.#schedule();
    });
    return this.#ticking;
  }

  /** Takes in what there is, folds it, tells the world, and lets the commit begin: whatever happens, commits and commands go on. */
  async #tick(): Promise<void> {
    const taken = await this.#take();
    const controls = this.#controls.splice(0);
    this.counters.ticks++;
    this.#pace.began(
      this.#clock.monotonicMs(),
      taken.reduce((sum, { block }) => sum + block.length, 0),
    );
    let failures: ReadonlyMap<ControlRow, unknown> = new Map();
    let failure: unknown;
    this.#committer.beginTick();
    try {
      failures = await this.#foldTick(taken, controls);
    } catch (error) {
      failure = error;
      this.#log.error({}, `a tick failed; its samples are kept: ${errorText(error)}`);
    } finally {
      this.#committer.tickDone();
    }
    for (const { row, done } of controls) done?.(failure ?? failures.get(row));
  }

  async #take(): Promise<Taken[]> {
    const taken: Taken[] = [];
    for (const inlet of this.#inlets) {
      if (!inlet.hasInput) continue;
      const { block, mark, redelivered } = inlet.take();
      taken.push({ source: inlet.source, mark, block: redelivered ? await this.#unknownOf(inlet.source, block) : block });
    }
    return taken;
  }

  async #foldTick(taken: readonly Taken[], controls: readonly Control[]): Promise<ReadonlyMap<ControlRow, unknown>> {
    // The log first: what it holds is safe, even where folding it fails.
    for (const { source, block, mark } of taken) {
      this.#committer.block(source, block);
      this.#countSamples(block);
      this.#last.add(source, block);
      if (mark === undefined) continue;
      this.#committer.mark(source, mark);
      if (this.#options.acknowledge === 'beforeCommit') this.#acknowledge(new Map([[source, mark]]));
    }
    for (const { row } of controls) this.#committer.control(row);
    for (const { block } of taken) this.#fold.block(block);
    for (const { row } of controls) await this.#fold.control(row, this.#output);
    const failures = await this.#fold.settle(this.#output);
    if (this.#announced) {
      this.#announced = false;
      // The alert goes out on the wire before anything else is done for this tick.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#results.settle();
    for (const state of this.#fold.pipeline.takeChanged()) for (const sink of this.#sinks.live) sink.publishState(state);
    return failures;
  }

  readonly #output: PipelineOutput = {
    score: (score, asset) => {
      this.counters.scores++;
      this.#committer.score(score, asset);
      this.#results.add(score);
      this.#options.listener?.score?.(score);
    },
    invalid: (window, windows) => {
      this.counters.invalidWindows[window.reason] += windows;
      this.#committer.invalid(window);
      this.#options.listener?.invalid?.(window, this.#names.asset.nameOf(window.asset), windows);
    },
    transition: (transition, asset) => {
      const { from, to } = transition;
      const isChange = from !== to;
      if (isChange && to === 'unacknowledged') this.counters.raised++;
      else if (isChange && (to === 'normal' || to === 'returnedUnacknowledged')) this.counters.cleared++;
      // The world hears it now; the disk a moment later.
      this.#announced = true;
      for (const sink of this.#sinks.live) sink.announce(transition);
      this.#committer.transition(transition, asset);
      for (const sink of this.#sinks.sinks) {
        const payload = sink.wants.has('alarms') ? sink.encodeTransition(transition) : undefined;
        if (payload !== undefined) this.#committer.outbox(sink.id, 'alarms', 1, payload);
      }
      this.#options.listener?.transition?.(transition);
    },
    scoringFailed: (error, windows) => {
      this.counters.scoringErrors++;
      this.#log.error({ code: 'FETTLE_SCORING_FAILED', windows }, `${windows} windows have no score: ${errorText(error)}`);
    },
  };

  #countSamples(block: SampleBlockBuilder): void {
    this.counters.samples += block.length;
    for (let i = 0; i < block.length; i++) if ((block.quality[i] as number) >= 0x80) this.counters.badSamples++;
  }

  /** Of samples that the broker sent again: those the log does not hold yet; all of them where it cannot be asked, since twice is better than never. */
  async #unknownOf(source: number, block: SampleBlockBuilder): Promise<SampleBlockBuilder> {
    let known: Uint8Array;
    try {
      await this.#committer.flush();
      known = await this.#journal.existing(source, block.tag.slice(0, block.length), block.timeMs.slice(0, block.length));
    } catch (error) {
      this.#log.warn({ samples: block.length }, `the journal could not say which samples came again; all are kept: ${errorText(error)}`);
      return block;
    }
    const unknown = new SampleBlockBuilder();
    for (let i = 0; i < block.length; i++) {
      if (known[i] === 1) this.counters.redeliveredKnown++;
      else unknown.append(block.tag[i] as number, block.timeMs[i] as number, block.value[i] as number, block.quality[i] as number);
    }
    return unknown;
  }

  #acknowledge(marks: ReadonlyMap<number, number>): void {
    this.#inlets.forEach((inlet, i) => {
      const mark = marks.get(inlet.source);
      if (mark !== undefined) this.#sources[i]?.committed(mark);
    });
  }

  /** Twice a second: who fell silent, and whether an asset has seen enough to learn. */
  #lookAround(): void {
    for (const row of this.#idleWatch.check()) this.#control(row);
    this.models.learner.consider(this.#stopped.signal);
  }

  #control(row: ControlRow, done?: Control['done']): void {
    this.#controls.push(done === undefined ? { row } : { row, done });
    this.#schedule();
  }
}
