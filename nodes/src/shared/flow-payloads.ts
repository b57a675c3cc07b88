import type { FlowScore, FlowWindow, Score } from '@fettle/gateway';

/** A score as it travels in a flow. */
export interface ScorePayload {
  readonly asset: string;
  readonly time: string;
  readonly score: number;
  readonly limit: number;
  /** Above 1 is abnormal. */
  readonly ratio: number;
  readonly model: string;
  readonly channels: readonly {
    readonly tag: string;
    readonly contribution: number;
    readonly observed: number;
    readonly expected: number;
  }[];
  readonly findings?: FlowScore['findings'];
}

export const scorePayload = (score: Score & { readonly findings?: FlowScore['findings'] }): ScorePayload => {
  const { asset, windowEndMs, value, limit, model, channels, contributions, observed, expected, findings } = score;
  return {
    asset,
    time: new Date(windowEndMs).toISOString(),
    score: value,
    limit,
    ratio: value / limit,
    model,
    channels: channels.map((tag, i) => ({
      tag,
      contribution: contributions[i] as number,
      observed: observed[i] as number,
      expected: expected[i] as number,
    })),
    ...(findings !== undefined && { findings }),
  };
};

const objectOf = (payload: unknown): Record<string, unknown> =>
  typeof payload === 'object' && payload !== null ? (payload as Record<string, unknown>) : {};

/** Throws where the payload is no window. */
export function windowOf(payload: unknown): FlowWindow {
  const { asset, time, channels, stepMs, values } = objectOf(payload);
  const endMs = Date.parse(String(time));
  const isWindow =
    typeof asset === 'string' && Array.isArray(channels) && channels.length > 0 && typeof stepMs === 'number' && !Number.isNaN(endMs);
  if (!isWindow || !(Array.isArray(values) || values instanceof Float32Array))
    throw new Error('the message is no window → wire the first output of a window node to this one');
  return { asset, channels: channels.map(String), stepMs, endMs, values: Float32Array.from(values as ArrayLike<number>) };
}

/** Throws where the payload is no score. */
export function scoreOf(payload: unknown): FlowScore {
  const { asset, time, score, limit, model = '', findings = [] } = objectOf(payload);
  const windowEndMs = Date.parse(String(time));
  if (typeof asset !== 'string' || typeof score !== 'number' || typeof limit !== 'number' || !(limit > 0) || Number.isNaN(windowEndMs))
    throw new Error('the message is no score → wire a score node to this one, or send {asset, time, score, limit}');
  const none = new Float32Array();
  const parts = { channels: [], contributions: none, observed: none, expected: none };
  return { asset, windowEndMs, value: score, limit, model: String(model), ...parts, findings: findings as FlowScore['findings'] };
}
