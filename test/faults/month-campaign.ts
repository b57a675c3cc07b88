import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import mqtt, { type MqttClient } from 'mqtt';
import { loadConfig } from '../../src/config/load.ts';
import type { AlarmTransition } from '../../src/core/alarm.ts';
import { seededRandom } from '../../src/core/seeded-random.ts';
import { unpackBackup } from '../../src/gateway/backup.ts';
import { backupAtRest } from '../../src/gateway/backup-of.ts';
import type { GatewayOptions } from '../../src/gateway/gateway.ts';
import { version } from '../../src/gateway/gateway.ts';
import type { LearningStatus } from '../../src/gateway/learner.ts';
import { databaseName } from '../../src/journal/schema.ts';
import { eventually } from '../support/eventually.ts';
import { FaultyDisk } from '../support/faulty-disk/faulty-disk.ts';
import { type Mosquitto, startMosquitto } from '../support/mosquitto.ts';
import { hourMs } from './month-calendar.ts';
import { type Limits, monthConfiguration } from './month-configuration.ts';
import { type ChildState, MonthGateway } from './month-gateway.ts';
import type { MonthAccount } from './month-judge.ts';
import { judgeMonth } from './month-judge.ts';
import type { Act, MonthPlan } from './month-plan.ts';
import { type Message, MonthPlant, numberTags } from './month-plant.ts';

export interface MonthOptions {
  readonly plan: MonthPlan;
  readonly stepMs: number;
  readonly seed: number;
  readonly directory: string;
  /** Of the journal. */
  readonly limits: Limits;
  /** A deliberately broken build. */
  readonly build?: Pick<GatewayOptions, 'acknowledge' | 'synchronous'>;
  readonly say?: (what: string) => void;
}

/** Published at once before the gateway is waited for. */
const chunkMs = 3 * hourMs;
const inFlight = 400;
const markerTopic = 'plant/marker';
const markerTag = 'marker/number';
/** The fewest rows that are learnt from (gateway/lessons.ts). */
const fewestRows = 400;
/** What learns stands behind everything else that wants the processor. */
const patienceMs = 180_000;
/** While it has no connection, the gateway writes the clock down this often. */
const clockRowMs = 1_200;
/** The last alarms reach who listens. */
const quietMs = 1_000;
/** Time that passes for the gateway with each chunk: enough for a snapshot, and for a moment of silence. */
const breathMs = 6_000;
/** The power goes within this much of the traffic. */
const longestCutMs = 40;

/** A month of plant at the pace the gateway takes it: real broker, real source at QoS 1, a gateway process that is stopped, cut off, upgraded. Undefined where mosquitto is not installed. */
export async function playMonth(options: MonthOptions): Promise<MonthAccount | undefined> {
  const mosquitto = await startMosquitto({
    config: ['max_inflight_messages 500', 'persistence true', 'max_queued_messages 0', 'max_queued_bytes 0'],
  });
  if (mosquitto === undefined) return undefined;
  const month = new Month(options, mosquitto);
  try {
    return await month.play();
  } finally {
    await month.dispose();
    await mosquitto.dispose();
  }
}

class Month {
  readonly #options: MonthOptions;
  readonly #mosquitto: Mosquitto;
  readonly #plant: MonthPlant;
  readonly #heard = new Map<string, AlarmTransition>();
  #client: MqttClient | undefined;
  #gateway: MonthGateway | undefined;
  /** Of the data directory, which is another one after a restoring. */
  #disk: { readonly directory: string; readonly disk: FaultyDisk } | undefined;
  #site: string;
  readonly #random: () => number;
  #clockOffMs = 0;
  #markers = 0;
  #highestBytes = 0;
  #highestFileBytes = 0;
  #undoneWrites = 0;
  #restarts = 0;
  #learnt = new Map<string, string>();

  constructor(options: MonthOptions, mosquitto: Mosquitto) {
    this.#options = options;
    this.#mosquitto = mosquitto;
    this.#plant = new MonthPlant(options.plan, options.stepMs, options.seed);
    this.#site = join(options.directory, 'site');
    this.#random = seededRandom(options.seed);
  }

  async play(): Promise<MonthAccount> {
    const { plan, stepMs, say = () => {} } = this.#options;
    this.#configure(this.#site, {});
    this.#client = await mqtt.connectAsync(this.#mosquitto.url, {
      protocolVersion: 5,
      clientId: 'plant',
      clean: false,
      properties: { sessionExpiryInterval: 86_400 },
      reconnectPeriod: 100,
    });
    this.#client.on('error', () => {});
    this.#client.on('message', (_, payload) => {
      const event = JSON.parse(payload.toString()) as AlarmTransition;
      this.#heard.set(event.id, event);
    });
    await this.#client.subscribeAsync('fettle/month/+/+/alarm/event', { qos: 1 });
    await this.#start();
    const acts = [...plan.acts];
    while (this.#plant.nowMs < plan.toMs) {
      const now = this.#plant.nowMs;
      const next = acts[0]?.atMs ?? Number.POSITIVE_INFINITY;
      if (next - now < stepMs) {
        const act = acts.shift() as Act;
        say(`${new Date(now).toISOString().slice(0, 16)} ${act.kind === 'command' ? act.command.verb : act.kind}`);
        await this.#perform(act);
        continue;
      }
      const isPrecise = plan.precise.some(({ fromMs, toMs }) => now >= fromMs && now < toMs);
      const nextPrecise = Math.min(...plan.precise.filter(({ fromMs }) => fromMs > now).map(({ fromMs }) => fromMs));
      const chunk = isPrecise ? stepMs : chunkMs;
      const untilMs = Math.min(now + chunk, next, plan.toMs, isPrecise ? plan.toMs : nextPrecise);
      await this.#watched(untilMs, untilMs === next && acts[0]?.kind === 'powerCut');
    }
    const { counters } = await this.#state();
    await pause(quietMs);
    await this.#gateway?.stop();
    this.#gateway = undefined;
    const { sent } = this.#plant;
    const samples = { ...this.#plant.samples, [markerTag]: this.#markers };
    return judgeMonth({
      plan,
      data: this.#data,
      sent,
      samples,
      numbers: numberTags(this.#plant),
      heard: [...this.#heard.values()],
      highestBytes: this.#highestBytes,
      highestFileBytes: this.#highestFileBytes,
      undoneWrites: this.#undoneWrites,
      restarts: this.#restarts,
      counters,
      learnt: Object.fromEntries(this.#learnt),
    });
  }

  async dispose(): Promise<void> {
    await this.#gateway?.kill().catch(() => {});
    await this.#client?.endAsync(true);
  }

  /** Plays on with the gateway there, until it has taken everything and has learnt what it can; `hurried`: what comes next finds it at work. */
  async #watched(untilMs: number, hurried: boolean): Promise<void> {
    await this.#setClock(untilMs);
    await this.#publish(this.#plant.until(untilMs));
    if (hurried) return;
    await this.#marker();
    await this.#state();
    await this.#learning();
  }

  async #perform(act: Act): Promise<void> {
    const { nowMs } = this.#plant;
    switch (act.kind) {
      case 'command':
        await this.#gateway?.ask({ ask: 'command', command: act.command });
        return;
      case 'gatewayClock':
        this.#clockOffMs = act.offMs;
        await this.#setClock(nowMs);
        return;
      case 'brokerOutage': {
        await this.#mosquitto.stop();
        // What devices measure meanwhile they keep, as the clock goes on.
        const kept: Message[] = [];
        for (const part of [0.25, 1]) {
          const since = this.#plant.nowMs;
          kept.push(...this.#plant.until(nowMs + part * act.forMs));
          await this.#setClock(this.#plant.nowMs, this.#plant.nowMs - since);
          await pause(clockRowMs);
        }
        await this.#mosquitto.start();
        await eventually(() => this.#client?.connected === true, 'the devices are back');
        await this.#publish(kept);
        await this.#marker();
        return;
      }
      case 'powerCut': {
        const traffic = this.#publish([...this.#plant.until(nowMs + act.downMs)]);
        await this.#setClock(this.#plant.nowMs);
        await pause(this.#random() * longestCutMs);
        await this.#gateway?.kill();
        this.#undoneWrites += this.#disk?.disk.cutPower() ?? 0;
        await traffic;
        await this.#start();
        await this.#marker();
        return;
      }
      case 'upgrade': {
        await this.#gateway?.stop();
        if (act.how === 'restart') this.#configure(this.#site, { changed: true });
        else {
          const backup = join(this.#options.directory, 'month.fettle');
          const from = join(this.#site, 'fettle.yaml');
          await backupAtRest(backup, loadConfig(from, {}), version);
          this.#site = join(this.#options.directory, 'elsewhere');
          unpackBackup(backup, this.#site);
        }
        await this.#publish(this.#plant.until(nowMs + act.downMs));
        await this.#start();
        await this.#marker();
        return;
      }
      default:
        act satisfies never;
    }
  }

  get #data(): string {
    return join(this.#site, 'data');
  }

  #configure(site: string, { changed = false }: { changed?: boolean }): void {
    const { plan, stepMs, limits } = this.#options;
    mkdirSync(site, { recursive: true });
    const configuration = monthConfiguration({
      plan,
      stepMs,
      limits,
      broker: this.#mosquitto.url,
      marker: { topic: markerTopic, tag: markerTag },
      changed,
    });
    writeFileSync(join(site, 'fettle.yaml'), JSON.stringify(configuration));
  }

  async #start(): Promise<void> {
    const { build = {} } = this.#options;
    mkdirSync(this.#data, { recursive: true });
    if (this.#disk?.directory !== this.#data) {
      const scratch = `${this.#data}-disk`;
      mkdirSync(scratch);
      this.#disk = { directory: this.#data, disk: new FaultyDisk(this.#data, scratch) };
    }
    this.#restarts++;
    const atMs = this.#plant.nowMs + this.#clockOffMs;
    this.#gateway = await MonthGateway.start(join(this.#site, 'fettle.yaml'), { atMs, ...build }, this.#disk.disk.environment());
    await eventually(async () => (await this.#state()).connected, 'the gateway is connected');
  }

  async #setClock(ms: number, passedMs = breathMs): Promise<void> {
    await this.#gateway?.ask({ ask: 'clock', atMs: ms + this.#clockOffMs, passedMs });
  }

  /** Resolves when the broker has all of it. */
  async #publish(messages: Iterable<Message>): Promise<void> {
    const client = this.#client as MqttClient;
    let under: Promise<unknown>[] = [];
    for (const { topic, payload } of messages) {
      under.push(client.publishAsync(topic, payload, { qos: 1 }));
      if (under.length < inFlight) continue;
      await Promise.all(under);
      under = [];
    }
    await Promise.all(under);
  }

  /** Resolves when the gateway has taken what was published so far. */
  async #marker(): Promise<void> {
    const number = ++this.#markers;
    await this.#publish([{ topic: markerTopic, payload: JSON.stringify({ ts: this.#plant.nowMs, number }) }]);
    await this.#gateway?.ask({ ask: 'marker', tag: markerTag, number });
  }

  async #state(): Promise<ChildState> {
    const state = await (this.#gateway as MonthGateway).state();
    this.#highestBytes = Math.max(this.#highestBytes, state.bytes);
    const files = ['', '-wal'].map((suffix) => statSync(join(this.#data, databaseName + suffix), { throwIfNoEntry: false })?.size ?? 0);
    this.#highestFileBytes = Math.max(
      this.#highestFileBytes,
      files.reduce((sum, bytes) => sum + bytes, 0),
    );
    return state;
  }

  /** The plant's time stands still while a model is learnt: it takes seconds of ours. */
  async #learning(): Promise<void> {
    const { stepMs } = this.#options;
    const isLearning = ({ progress, text, seenMs, wantedMs }: LearningStatus): boolean =>
      progress !== null || (wantedMs > 0 && seenMs >= Math.max(wantedMs, fewestRows * stepMs) && !text.includes('could not learn'));
    await eventually(
      async () => {
        const { learning } = await this.#state();
        for (const [id, { stage, text }] of Object.entries(learning)) {
          const known = this.#learnt.get(id);
          const now = text.includes('could not learn') ? text : stage;
          if (known !== now) this.#options.say?.(`${new Date(this.#plant.nowMs).toISOString().slice(0, 16)} ${id}: ${now}`);
          this.#learnt.set(id, now);
        }
        if (!Object.values(learning).some(isLearning)) return true;
        await pause(50);
        return false;
      },
      'everything due is learnt',
      patienceMs,
    );
  }
}
