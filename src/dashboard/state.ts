import { computed, signal } from '@preact/signals';
import type { AssetChart } from '../charts/asset-chart.ts';
import { type AlarmTransition, type AssetAlarmState, isStanding, type StandingAlarm, waitsForSomebody } from '../core/alarm.ts';
import type { LearningStatus } from '../gateway/learner.ts';
import type { GatewayStatus } from '../gateway/status.ts';
import type { Role } from '../server/access/roles.ts';
import type { LiveScore } from '../server/live-events.ts';
import { ApiError, get, whenLoggedOut } from './api.ts';
import { type Point, trendBefore, trendMs, trendPoints, trendWith } from './trend.ts';

export interface Session {
  readonly name: string;
  readonly role: Role;
  readonly mustChange: boolean;
}

export type LiveStatus = Omit<GatewayStatus, 'assets' | 'learning'>;

/** Undefined: not known yet; null: nobody. */
export const session = signal<Session | null | undefined>(undefined);
export const status = signal<LiveStatus | undefined>(undefined);
export const assets = signal<readonly AssetAlarmState[] | undefined>(undefined);
export const learning = signal<Readonly<Record<string, LearningStatus>>>({});
/** Whether events come; false while the gateway is not reached. */
export const isLive = signal(false);
/** Newest score of each asset. */
export const newestScore = signal<ReadonlyMap<string, LiveScore>>(new Map());
/** Counts alarm transitions: what shows them looks again. */
export const alarmsChanged = signal(0);
/** Clock of the page, for ages. */
export const now = signal(Date.now());

/** The last minutes of each asset's score over limit. */
export const trends = signal<ReadonlyMap<string, readonly Point[]>>(new Map());
/** The newest moment of any of them, by the gateway's clock: where the trends end. */
export const trendEndMs = computed((): number => Math.max(...[...trends.value.values()].map((points) => points.at(-1)?.atMs ?? 0)));
/** Of that, what the history tells: assets it was asked for. */
const asked = new Set<string>();
const askedBound = 64;

export interface AssetAlarm extends StandingAlarm {
  readonly asset: string;
}

const priorityOrder = ['critical', 'high', 'medium', 'low'];
/** Everything that is not normal: what stands and nobody has seen first. */
export const standing = computed((): AssetAlarm[] =>
  (assets.value ?? [])
    .flatMap(({ asset, alarms }) => alarms.map((alarm) => ({ asset, ...alarm })))
    .sort(
      (a, b) =>
        Number(waitsForSomebody(b.state)) - Number(waitsForSomebody(a.state)) ||
        Number(isStanding(b.state)) - Number(isStanding(a.state)) ||
        priorityOrder.indexOf(a.priority) - priorityOrder.indexOf(b.priority) ||
        b.sinceMs - a.sinceMs,
    ),
);

/** How many alarms wait for somebody. */
export const waiting = computed((): number => standing.value.filter(({ state }) => waitsForSomebody(state)).length);

/** A word of the gateway that everybody has to see: an action that failed. */
export const notice = signal<{ readonly text: string; readonly isError: boolean } | undefined>(undefined);

export function tell(error: unknown): void {
  const text = error instanceof ApiError ? [error.message, error.hint].filter(Boolean).join(' → ') : String(error);
  notice.value = { text, isError: true };
}

let events: EventSource | undefined;
let _refreshing: ReturnType<typeof setTimeout> | undefined;
let refreshedMs = Number.NEGATIVE_INFINITY;

async function refresh(): Promise<void> {
  try {
    const [documents, lessons] = await Promise.all([
      get<AssetAlarmState[]>('/assets'),
      get<Readonly<Record<string, LearningStatus>>>('/learning'),
    ]);
    assets.value = documents;
    learning.value = lessons;
    void askTrends(documents);
  } catch {
    // Tried again soon.
  }
}

/** The trend before the page was opened, one asset after the other. */
async function askTrends(documents: readonly AssetAlarmState[]): Promise<void> {
  for (const { asset } of documents.slice(0, askedBound)) {
    if (asked.has(asset)) continue;
    asked.add(asset);
    try {
      const chart = await get<AssetChart>(`/assets/${encodeURIComponent(asset)}/chart?points=${trendPoints}&lastsMs=${trendMs}`);
      trends.value = new Map(trends.value).set(asset, trendBefore(chart, trends.value.get(asset) ?? []));
    } catch {
      // It fills from now on.
    }
  }
}

/** Soon, and once for many changes: a flood makes hundreds a second. */
function refreshSoon(): void {
  _refreshing ??= setTimeout(
    () => {
      _refreshing = undefined;
      refreshedMs = performance.now();
      void refresh();
    },
    Math.max(100, refreshedMs + 1000 - performance.now()),
  );
}

function listen(): void {
  events?.close();
  const source = new EventSource('/api/v1/events?events=alarm,scores,learning,status');
  events = source;
  source.addEventListener('open', () => {
    isLive.value = true;
    refreshSoon();
  });
  source.addEventListener('error', () => {
    isLive.value = false;
    // Refused rather than cut: the session may have ended.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => void begin(), 3000);
  });
  source.addEventListener('status', ({ data }: MessageEvent<string>) => {
    status.value = JSON.parse(data) as LiveStatus;
  });
  source.addEventListener('alarm', ({ data }: MessageEvent<string>) => {
    const { asset } = JSON.parse(data) as AlarmTransition;
    if (asset !== '') alarmsChanged.value++;
    refreshSoon();
  });
  source.addEventListener('learning', ({ data }: MessageEvent<string>) => {
    const { asset, ...lesson } = JSON.parse(data) as LearningStatus & { asset: string };
    learning.value = { ...learning.value, [asset]: lesson };
  });
  source.addEventListener('scores', ({ data }: MessageEvent<string>) => {
    const fresh = new Map(newestScore.value);
    const drawn = new Map(trends.value);
    for (const score of JSON.parse(data) as LiveScore[]) {
      fresh.set(score.asset, score);
      drawn.set(score.asset, trendWith(drawn.get(score.asset) ?? [], { atMs: score.atMs, ratio: score.peak }));
    }
    newestScore.value = fresh;
    trends.value = drawn;
  });
}

/** Finds out who is logged in, and listens where somebody is. */
export async function begin(): Promise<void> {
  try {
    const who = await get<Session>('/session');
    session.value = who;
    // Until a password was chosen the gateway tells nothing.
    if (who.mustChange) return;
    await refresh();
    listen();
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) session.value = null;
    else setTimeout(() => void begin(), 2000);
  }
}

export function endSession(): void {
  events?.close();
  isLive.value = false;
  session.value = null;
}

whenLoggedOut(endSession);
setInterval(() => {
  now.value = Date.now();
}, 1000);
// States change without a transition too: watching, shelving that ends.
setInterval(() => {
  if (session.value) refreshSoon();
}, 5000);
