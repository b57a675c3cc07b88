import type { FastifyReply } from 'fastify';
import type { TagNow } from '../gateway/tag-list.ts';
import type { LiveEvents, LiveTransition } from './live-events.ts';

export const eventNames = ['alarm', 'scores', 'score', 'learning', 'tags', 'status'] as const;
export type EventName = (typeof eventNames)[number];

export interface EventStreamOptions {
  readonly events: ReadonlySet<EventName>;
  /** All assets where empty. */
  readonly assets: ReadonlySet<string>;
  /** Place in the journal after which alarms are wanted; those that come from now on where absent. */
  readonly lastEventId: number | undefined;
  /** For `status`, every two seconds. */
  status(): object;
  /** For `tags`, every second: those of which samples have come. */
  tags(): readonly TagNow[];
}

const heartbeatMs = 15_000;
const statusEveryMs = 2_000;
const tagsEveryMs = 1_000;
/** Whoever reads too slowly is let go, and comes back with the id of the last alarm seen. */
const waitingBound = 4_000_000;

/** What all who look on are told is written out once. */
const texts = new WeakMap<object, string>();

function textOf(data: object): string {
  const known = texts.get(data);
  if (known !== undefined) return known;
  const text = JSON.stringify(data);
  texts.set(data, text);
  return text;
}

/** Server-sent events (WHATWG HTML, 9.2) until `signal` aborts. Alarms have an id, which never goes back, so that none is missed across a reconnect. */
export async function sendEvents(live: LiveEvents, reply: FastifyReply, options: EventStreamOptions, signal: AbortSignal): Promise<void> {
  const { raw } = reply.hijack();
  const { events, assets } = options;
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    // Proxies that collect answers would hold events back.
    'x-accel-buffering': 'no',
  });
  const write = (text: string): void => {
    if (raw.writableLength > waitingBound) raw.destroy();
    else raw.write(text);
  };
  const send = (event: EventName | 'hello', data: object, id?: number): void =>
    write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${textOf(data)}\n\n`);
  const isWanted = ({ asset }: { readonly asset: string }): boolean => assets.size === 0 || assets.has(asset);

  const newest = await live.newestId();
  // A place that is not there yet belongs to another journal, or to one that was emptied: from the beginning rather than nothing.
  let sent = options.lastEventId === undefined ? newest : options.lastEventId > newest ? 0 : options.lastEventId;
  let replayed = false;
  const sendAlarm = ({ id, transition }: LiveTransition): void => {
    if (id <= sent) return;
    sent = id;
    // The id is told also where the alarm is not wanted: the next connection goes on behind it.
    if (isWanted(transition)) send('alarm', transition, id);
  };
  const early: LiveTransition[] = [];
  const stop = live.listen({
    ...(events.has('alarm') && { alarm: (row: LiveTransition) => (replayed ? sendAlarm(row) : void early.push(row)) }),
    ...(events.has('score') && { score: (score) => isWanted(score) && send('score', score) }),
    ...(events.has('scores') && {
      scores: (scores) => {
        const wanted = assets.size === 0 ? scores : scores.filter(isWanted);
        if (wanted.length > 0) send('scores', wanted);
      },
    }),
    ...(events.has('learning') && {
      // Contexts go by `asset@value`.
      learning: (id, status) => isWanted({ asset: id.replace(/@.*/, '') }) && send('learning', { asset: id, ...status }),
    }),
  });
  const timers = [setInterval(() => write(': still here\n\n'), heartbeatMs)];
  try {
    send('hello', {}, sent);
    if (events.has('tags')) {
      const sent = new Map<string, number>();
      const sendTags = (): void => {
        const tags = options.tags().filter(({ tag, samples, assets: of }) => {
          if (samples === (sent.get(tag) ?? 0) || (assets.size > 0 && !of.some((asset) => assets.has(asset)))) return false;
          sent.set(tag, samples);
          return true;
        });
        if (tags.length > 0) send('tags', tags);
      };
      sendTags();
      timers.push(setInterval(sendTags, tagsEveryMs));
    }
    if (events.has('status')) {
      send('status', options.status());
      timers.push(setInterval(() => send('status', options.status()), statusEveryMs));
    }
    if (events.has('alarm')) for await (const row of live.alarmsAfter(sent)) sendAlarm(row);
    replayed = true;
    for (const row of early.splice(0)) sendAlarm(row);
    await new Promise<void>((resolve) => {
      if (signal.aborted || raw.destroyed) return resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
      raw.once('close', () => resolve());
    });
  } finally {
    stop();
    for (const timer of timers) clearInterval(timer);
    raw.end();
  }
}
