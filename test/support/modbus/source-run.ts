import { systemClock } from '../../../src/core/clock.ts';
import { Interner } from '../../../src/core/interner.ts';
import type { Logger } from '../../../src/core/logger.ts';
import { qualityName } from '../../../src/core/quality.ts';
import type { Source, SourceContext, SourceMemory } from '../../../src/core/source.ts';
import { modbusSourceSchema } from '../../../src/sources/modbus/config.ts';
import { ModbusSource } from '../../../src/sources/modbus/modbus-source.ts';

export interface ReceivedSample {
  readonly tag: string;
  readonly timeMs: number;
  readonly value: number;
  readonly quality: string;
}

/** A Modbus source with an inlet that keeps what comes. */
export interface SourceRun {
  readonly source: Source;
  readonly samples: ReceivedSample[];
  readonly connected: boolean[];
  readonly logged: string[];
  readonly texts: Interner;
  bursts: number;
  full: boolean;
  /** The last sample of a tag. */
  last(tag: string): ReceivedSample | undefined;
  counter(name: string): number;
  stop(): Promise<void>;
}

/** Starts a source with `id: plc` and these keys; `config` is as in fettle.yaml. */
export async function runSource(config: object, memory?: SourceMemory): Promise<SourceRun> {
  const parsed = modbusSourceSchema.parse({ id: 'plc', type: 'modbus', ...config });
  const tags = new Interner(100_000);
  const texts = new Interner(1000);
  const samples: ReceivedSample[] = [];
  const connected: boolean[] = [];
  const logged: string[] = [];
  const write = (_: object, message: string) => {
    logged.push(message);
  };
  const log: Logger = { debug: write, info: write, warn: write, error: write, child: () => log };
  const run = { bursts: 0, full: false };
  const context: SourceContext = {
    id: 'plc',
    site: 'test',
    tags,
    texts,
    clock: systemClock,
    log,
    ...(memory !== undefined && { memory }),
    inlet: {
      append: (tag, timeMs, value, quality) => samples.push({ tag: tags.nameOf(tag), timeMs, value, quality: qualityName(quality) }),
      mark: () => 0,
      redelivered: () => {},
      endOfBurst: () => {
        run.bursts++;
      },
      get full() {
        return run.full;
      },
      setConnected: (is) => connected.push(is),
    },
  };
  // No randomness: every back-off is half its ceiling.
  const source = new ModbusSource(parsed, context, { random: () => 0 });
  await source.start(new AbortController().signal);
  return Object.assign(run, {
    source,
    samples,
    connected,
    logged,
    texts,
    last: (tag: string) => samples.findLast((sample) => sample.tag === tag),
    counter: (name: string) => source.status().counters[name] ?? Number.NaN,
    stop: () => source.stop(),
  });
}
