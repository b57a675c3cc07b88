/** A gateway in a process of its own that lives in the plant's time: the parent says what the clock shows. argv: configuration file, options as JSON. */
import { loadConfig } from '../../src/config/load.ts';
import { errorText } from '../../src/core/errors.ts';
import { Gateway, type GatewayOptions } from '../../src/gateway/gateway.ts';
import { createLog } from '../../src/telemetry/log.ts';
import type { Answer, ChildOptions, Question } from './month-gateway.ts';

const { atMs, ...options } = JSON.parse(process.argv[3] ?? '{}') as ChildOptions & Partial<GatewayOptions>;
let wallMs = atMs;
let passedMs = 0;
const clock = { wallMs: () => wallMs, monotonicMs: () => performance.now() + passedMs };
const gateway = await Gateway.start(loadConfig(process.argv[2] ?? '', {}), { ...options, clock, log: createLog('error') });

const usedBytes =
  'SELECT (p.page_count - f.freelist_count) * s.page_size AS bytes FROM pragma_page_count p, pragma_freelist_count f, pragma_page_size s';

async function answer(question: Question): Promise<unknown> {
  switch (question.ask) {
    case 'clock':
      passedMs += question.passedMs;
      wallMs = question.atMs;
      return undefined;
    case 'marker':
      // In order behind everything that was published before it.
      while (gateway.tags().find(({ tag }) => tag === question.tag)?.value !== question.number)
        await new Promise((resolve) => setTimeout(resolve, 3));
      return undefined;
    case 'state': {
      const [used] = await gateway.query<{ bytes: number }>(usedBytes);
      const { counters, learning, sources, assets } = gateway.status();
      return {
        bytes: used?.bytes ?? 0,
        counters,
        learning,
        connected: Object.values(sources).every(({ state }) => state === 'good'),
        assets,
      };
    }
    case 'command':
      return gateway.command(question.command);
    case 'stop':
      await gateway.stop();
      return undefined;
    default:
      return question satisfies never;
  }
}

process.on('message', ({ id, ...question }: Question & { id: number }) => {
  answer(question).then(
    (result) => process.send?.({ id, result } satisfies Answer),
    (error: unknown) => process.send?.({ id, error: errorText(error) } satisfies Answer),
  );
});
process.send?.({ id: 0, result: 'ready' } satisfies Answer);
