import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';

const idleMs = 12 * 3_600_000;
const longestMs = 7 * 86_400_000;
const sessionsBound = 1000;

interface Session {
  readonly user: string;
  readonly beganMs: number;
  usedMs: number;
}

const keyOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url');

/** Who is logged in; forgotten with the process. Only hashes of the cookies are kept. */
export class Sessions {
  readonly #clock: Clock;
  readonly #sessions = new Map<string, Session>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns the cookie's value. */
  begin(user: string): string {
    const nowMs = this.#clock.monotonicMs();
    // The one that was used longest ago makes room.
    if (this.#sessions.size >= sessionsBound) {
      const [oldest] = [...this.#sessions].sort(([, a], [, b]) => a.usedMs - b.usedMs);
      if (oldest !== undefined) this.#sessions.delete(oldest[0]);
    }
    const secret = randomBytes(32).toString('base64url');
    this.#sessions.set(keyOf(secret), { user, beganMs: nowMs, usedMs: nowMs });
    return secret;
  }

  userOf(secret: string): string | undefined {
    const user = this.stillUserOf(secret);
    const session = this.#sessions.get(keyOf(secret));
    if (session !== undefined) session.usedMs = this.#clock.monotonicMs();
    return user;
  }

  /** As `userOf`, but not a use: who only listens grows as tired as who is away. */
  stillUserOf(secret: string): string | undefined {
    const key = keyOf(secret);
    const session = this.#sessions.get(key);
    if (session === undefined) return undefined;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - session.usedMs <= idleMs && nowMs - session.beganMs <= longestMs) return session.user;
    this.#sessions.delete(key);
    return undefined;
  }

  end(secret: string): void {
    this.#sessions.delete(keyOf(secret));
  }

  endAllOf(user: string): void {
    for (const [key, session] of this.#sessions) if (session.user === user) this.#sessions.delete(key);
  }
}
