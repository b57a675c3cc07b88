import { changesBetween } from '../config/changes.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { errorText, FettleError } from '../core/errors.ts';
import { checkModels } from './check-models.ts';
import { Gateway, type GatewayOptions } from './gateway.ts';

export interface Reloaded {
  /** What has changed and is in force. */
  readonly applied: readonly string[];
  /** Keys that changed and wait for the next start of the process. */
  readonly needRestart: readonly string[];
  /** How long nothing was taken in, ms. */
  readonly pauseMs: number;
}

/** A gateway that can take over a changed configuration while it runs. */
export class GatewayService {
  readonly #options: GatewayOptions;
  #loaded: LoadedConfig;
  #gateway: Gateway;
  #reloading: Promise<Reloaded> | undefined;
  #stopped = false;

  private constructor(loaded: LoadedConfig, options: GatewayOptions, gateway: Gateway) {
    this.#loaded = loaded;
    this.#options = options;
    this.#gateway = gateway;
  }

  /** Throws as `Gateway.start`. */
  static async start(loaded: LoadedConfig, options: GatewayOptions): Promise<GatewayService> {
    await checkModels(loaded);
    return new GatewayService(loaded, options, await Gateway.start(loaded, options));
  }

  get gateway(): Gateway {
    return this.#gateway;
  }

  /**
   * Reads the configuration anew and goes on with it. What has been acknowledged is on the disk before the old one ends, and what senders were not told of they send again; polled devices are not asked for as long as the pause lasts. Where the new one is wrong or does not start, the old one
   * goes on. Throws ConfigError, FETTLE_COMMAND_INVALID, and what kept the new one from starting.
   */
  reload(): Promise<Reloaded> {
    this.#reloading ??= this.#reload().finally(() => {
      this.#reloading = undefined;
    });
    return this.#reloading;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#reloading?.catch(() => {});
    await this.#gateway.stop();
  }

  async #reload(): Promise<Reloaded> {
    if (this.#stopped) throw new FettleError('FETTLE_COMMAND_INVALID', 'the gateway is stopping');
    const before = this.#loaded;
    const loaded = loadConfig(before.file);
    await checkModels(loaded);
    const { applicable: applied, needRestart } = changesBetween(before.config, loaded.config);
    if (applied.length === 0) return { applied, needRestart, pauseMs: 0 };
    const { log } = this.#options;
    log.info({ changes: applied }, 'taking over a changed configuration');
    // Its lock on the data is held by this process: the directory stays that of the start.
    const next: LoadedConfig = { ...loaded, config: { ...loaded.config, data: before.config.data } };
    const began = performance.now();
    await this.#gateway.stop();
    try {
      this.#gateway = await Gateway.start(next, this.#options);
      this.#loaded = next;
    } catch (error) {
      log.error({}, `the changed configuration does not start, the old one goes on: ${errorText(error)}`);
      this.#gateway = await Gateway.start(before, this.#options);
      throw error;
    }
    const pauseMs = Math.round(performance.now() - began);
    log.info({ changes: applied, pauseMs, needRestart }, 'the changed configuration is in force');
    return { applied, needRestart, pauseMs };
  }
}
