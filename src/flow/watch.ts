import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseConfig } from '../config/load.ts';
import type { AlarmTransition, AssetAlarmState } from '../core/alarm.ts';
import type { AlarmCommand } from '../core/control-row.ts';
import { errorText, FettleError } from '../core/errors.ts';
import { type Logger, silentLogger } from '../core/logger.ts';
import type { Score } from '../core/score.ts';
import { parseCommand } from '../gateway/commands.ts';
import { Gateway } from '../gateway/gateway.ts';
import type { FlowSample } from './message-samples.ts';
import { tagOf, tagsOf } from './plan-flow.ts';

export interface WatchOptions {
  /** A directory of its own: what was measured and learnt stays there. */
  readonly directory: string;
  /** Name of the machine, as in `line1/pump3`. */
  readonly asset: string;
  /** Names of the values that are watched. Where empty, those that come within `gatherMs` of the first message, remembered from then on. */
  readonly values?: readonly string[];
  readonly gatherMs?: number;
  /** Step of the grid, as in `1s`. */
  readonly step?: string;
  /** Running time after which a first model judges, as in `30m`. */
  readonly learn?: string;
  /** False alarms that can be put up with, as in `1/week`. */
  readonly budget?: string | undefined;
  /** Further keys of the asset, as in fettle.yaml. */
  readonly more?: object;
  readonly log?: Logger;
}

export interface WatchListener {
  /** Each score. */
  score?(score: Score): void;
  /** Each change of an alarm's state. */
  transition?(transition: AlarmTransition): void;
  /** The gateway inside could not be started. */
  failed?(error: Error): void;
}

/** How the machine is. */
export interface WatchState {
  /** learning: no model judges yet. */
  readonly state: 'gathering' | 'learning' | 'normal' | 'active';
  /** In words. */
  readonly text: string;
  /** Running time seen, and wanted for the next model, ms. */
  readonly seenMs: number;
  readonly wantedMs: number;
  readonly values: readonly string[];
  readonly alarms: AssetAlarmState['alarms'];
}

const source = 'flow';
const gatherMs = 10_000;
const mostWaiting = 10_000;

/**
 * One machine watched inside a flow: a gateway with its journal in a directory, without sources of its own, so it learns, scores and raises by the same code and gives the same
 * answers. Samples are durable when `push` resolves; a process that is killed goes on where it was.
 */
export class Watch {
  readonly #options: WatchOptions;
  readonly #listener: WatchListener;
  readonly #file: string;
  readonly #ignored = new Set<string>();
  #gateway: Gateway | undefined;
  #starting: Promise<void> | undefined;
  #values: readonly string[];
  #gathered: FlowSample[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  private constructor(options: WatchOptions, listener: WatchListener) {
    this.#options = options;
    this.#listener = listener;
    this.#file = join(options.directory, 'values.json');
    const given = options.values ?? [];
    this.#values = given.length > 0 ? given : remembered(this.#file);
  }

  /** Throws FETTLE_CONFIG_INVALID with what is wrong of the options, FETTLE_DATA_LOCKED, FETTLE_DATA_TOO_NEW. */
  static async open(options: WatchOptions, listener: WatchListener = {}): Promise<Watch> {
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
    const watch = new Watch(options, listener);
    if (watch.#values.length > 0) await watch.#start();
    // Says what is wrong before the first message does.
    else parseConfig(JSON.stringify(watch.#configuration(['value'])), join(options.directory, 'watch'), {});
    return watch;
  }

  /** Values that came and are not watched, the first hundred. */
  get ignored(): readonly string[] {
    return [...this.#ignored];
  }

  /** Takes samples in; durable when it resolves, but for those of the first moments, which wait until it is known what there is to watch. Throws FETTLE_SOURCE_BUSY. */
  async push(samples: readonly FlowSample[]): Promise<void> {
    if (this.#isClosed) throw new FettleError('FETTLE_SOURCE_BUSY', `${this.#options.asset} is not watched any more`);
    if (this.#gateway === undefined && this.#starting === undefined) {
      this.#gather(samples);
      return;
    }
    await this.#starting;
    const wanted = new Set(this.#values);
    const known = samples.filter(({ tag }) => wanted.has(tag));
    for (const { tag } of samples) if (!wanted.has(tag) && this.#ignored.size < 100) this.#ignored.add(tag);
    if (known.length > 0) await this.#gateway?.push(source, known.map(this.#named), false);
  }

  /** As a command over MQTT or the API; durable when it resolves. Throws FETTLE_COMMAND_INVALID. */
  async command(verb: AlarmCommand['verb'] | string, details: object = {}): Promise<void> {
    await this.#starting;
    if (this.#gateway === undefined) throw new FettleError('FETTLE_COMMAND_INVALID', `${this.#options.asset} has no alarms yet`);
    await this.#gateway.command(parseCommand(verb, { ...details, asset: this.#options.asset }));
  }

  state(): WatchState {
    const { asset } = this.#options;
    const values = [...this.#values];
    if (this.#gateway === undefined) {
      const text = this.#gathered.length === 0 ? 'waits for the first values' : 'finds out which values there are';
      return { state: 'gathering', text, seenMs: 0, wantedMs: 0, values, alarms: [] };
    }
    const { assets, learning } = this.#gateway.status();
    const document = assets.find((one) => one.asset === asset);
    const { stage = 'none', text = '', seenMs = 0, wantedMs = 0 } = learning[asset] ?? {};
    const alarms = document?.alarms ?? [];
    const state = document?.state === 'active' ? 'active' : stage === 'none' ? 'learning' : 'normal';
    const said = state === 'active' ? (alarms[0]?.message ?? '') : text;
    return { state, text: said, seenMs, wantedMs, values, alarms };
  }

  /** Keeps everything and ends. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#starting?.catch(() => {});
    await this.#gateway?.stop();
  }

  #named = (sample: FlowSample): FlowSample => ({ ...sample, tag: tagOf(this.#options.asset, sample.tag) });

  #gather(samples: readonly FlowSample[]): void {
    if (this.#gathered.length + samples.length > mostWaiting)
      throw new FettleError(
        'FETTLE_SOURCE_BUSY',
        `${this.#options.asset}: more than ${mostWaiting} values before it is known what to watch`,
      );
    const nowMs = Date.now();
    for (const sample of samples) this.#gathered.push({ time: nowMs, ...sample });
    this.#timer ??= setTimeout(() => this.#begin(), this.#options.gatherMs ?? gatherMs);
  }

  #begin(): void {
    this.#values = [...new Set(this.#gathered.map(({ tag }) => tag))];
    const first = this.#gathered;
    this.#gathered = [];
    remember(this.#file, this.#values);
    this.#starting = this.#start()
      .then(() => this.#gateway?.push(source, first.map(this.#named), false))
      .then(
        () => {
          this.#starting = undefined;
        },
        (error: unknown) => this.#listener.failed?.(error instanceof Error ? error : new Error(errorText(error))),
      );
  }

  async #start(): Promise<void> {
    const { directory, log = silentLogger } = this.#options;
    const loaded = parseConfig(JSON.stringify(this.#configuration(this.#values)), join(directory, 'watch'), {});
    const gateway = await Gateway.start(loaded, {
      log,
      listener: {
        score: (score) => this.#listener.score?.(score),
        transition: (transition) => this.#listener.transition?.(transition),
      },
    });
    this.#gateway = gateway;
  }

  #configuration(values: readonly string[]): object {
    const { directory, asset, step = '1s', learn = '30m', budget, more = {} } = this.#options;
    const tags = tagsOf(asset, values);
    return {
      site: 'flow',
      data: join(directory, 'data'),
      sources: [{ id: source, type: 'http', tags: tags.map((tag) => ({ tag })) }],
      assets: [
        {
          id: asset,
          tags,
          window: { step },
          detector: { learn: { provisional: learn }, ...(budget !== undefined && { budget }) },
          ...more,
        },
      ],
    };
  }
}

function remembered(file: string): string[] {
  if (!existsSync(file)) return [];
  try {
    const values: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return Array.isArray(values) ? values.filter((value) => typeof value === 'string') : [];
  } catch {
    return [];
  }
}

function remember(file: string, values: readonly string[]): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(values, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
