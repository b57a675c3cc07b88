import { errorText, FettleError } from '../../core/errors.ts';
import type { InfluxdbConfig } from './config.ts';

/** Administration and InfluxQL over the `influx` package, which is loaded on first use: most gateways never need it. */
export class InfluxdbAdmin {
  readonly #config: InfluxdbConfig;

  constructor(config: InfluxdbConfig) {
    this.#config = config;
  }

  /** Creates the configured database; no error where it exists. Throws FETTLE_INFLUXDB_DENIED or FETTLE_INFLUXDB_UNREACHABLE. */
  async createDatabase(): Promise<void> {
    const client = await this.#client();
    try {
      await client.createDatabase(this.#config.database);
    } catch (error) {
      throw this.#failure(`create the database ${this.#config.database}`, error);
    }
  }

  /** The rows of an InfluxQL query, tags of `GROUP BY` among their keys. Throws as `createDatabase`. */
  async query(influxql: string): Promise<Record<string, unknown>[]> {
    const client = await this.#client();
    try {
      return [...(await client.query<Record<string, unknown>>(influxql))];
    } catch (error) {
      throw this.#failure('query', error);
    }
  }

  async #client() {
    const { InfluxDB } = (await import('influx')).default;
    const { url, database, username, password, token, timeout } = this.#config;
    const base = new URL(url);
    return new InfluxDB({
      host: base.hostname,
      port: Number(base.port) || (base.protocol === 'https:' ? 443 : 80),
      protocol: base.protocol === 'https:' ? 'https' : 'http',
      path: base.pathname === '/' ? '' : base.pathname.replace(/\/$/, ''),
      database,
      username: username ?? decodeURIComponent(base.username),
      password: password?.reveal() ?? decodeURIComponent(base.password),
      options: token ? { headers: { authorization: `Token ${token.reveal()}` } } : {},
      pool: { maxRetries: 0, requestTimeout: timeout },
    });
  }

  #failure(what: string, error: unknown): FettleError {
    const text = errorText(error);
    const denied = /authoriz|privileg|forbidden|unauthorized|credential/i.test(text);
    return new FettleError(
      denied ? 'FETTLE_INFLUXDB_DENIED' : 'FETTLE_INFLUXDB_UNREACHABLE',
      `${this.#config.url} did not ${what}: ${text}`,
      {
        cause: error,
        hint: denied ? 'Give the user the right to do it, or do it by hand.' : 'Check that it runs and that the network leads there.',
      },
    );
  }
}
