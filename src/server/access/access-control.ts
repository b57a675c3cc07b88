import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import type { AlarmCommand } from '../../core/control-row.ts';
import { FettleError } from '../../core/errors.ts';
import { commandFacts } from '../../gateway/commands.ts';
import { AccessStore } from './access-store.ts';
import { AuditLog } from './audit-log.ts';
import { Lockout } from './lockout.ts';
import type { Caller } from './roles.ts';
import { Sessions } from './sessions.ts';

const linkMs = 24 * 3_600_000;
export const firstUser = 'admin';
export const firstRunFile = 'first-login.txt';

/** What is told once, at the first start. */
export interface FirstRun {
  readonly user: string;
  readonly password: string;
  /** For the one-click link; good once, for a day. */
  readonly code: string;
}

const same = (a: string, b: string): boolean =>
  timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());

/** Who is who, and what they did. */
export class AccessControl {
  readonly store: AccessStore;
  readonly sessions: Sessions;
  readonly audit: AuditLog;
  readonly #lockout: Lockout;
  readonly #clock: Clock;
  readonly #directory: string;
  /** Made anew at each start; the command line reads it from the data directory. */
  readonly localToken = randomBytes(24).toString('base64url');
  #link: { readonly code: string; readonly untilMs: number } | undefined;

  /** Throws FETTLE_ACCESS_INVALID. */
  constructor(directory: string, clock: Clock) {
    this.#directory = directory;
    this.#clock = clock;
    this.store = new AccessStore(directory);
    this.sessions = new Sessions(clock);
    this.audit = new AuditLog(directory, new Date(clock.wallMs()));
    this.#lockout = new Lockout(clock);
  }

  /** Makes the first user where there is none. `toFile`: nobody looks at a terminal, so the secret goes into a file that only its owner can read. */
  async firstRun(toFile: boolean): Promise<FirstRun | undefined> {
    if (!this.store.isEmpty) return undefined;
    const password = await this.store.addUser(firstUser, 'admin', this.#now);
    const code = randomBytes(24).toString('base64url');
    this.#link = { code, untilMs: this.#clock.monotonicMs() + linkMs };
    this.audit.append(this.#now, 'fettle', 'local', 'user.add', { user: firstUser, role: 'admin', reason: 'first start' });
    if (toFile)
      writeFileSync(
        join(this.#directory, firstRunFile),
        `user: ${firstUser}\npassword: ${password}\n\nLog in, choose a password of your own; this file goes away then.\n`,
        {
          mode: 0o600,
        },
      );
    return { user: firstUser, password, code };
  }

  /** Undefined: nobody. Bearer tokens and cookies. */
  callerOf(bearer: string | undefined, cookie: string | undefined): Caller | undefined {
    return this.#callerBy(bearer, cookie === undefined ? undefined : this.sessions.userOf(cookie));
  }

  /** As `callerOf`, for an answer that is still going on: it does not keep a session awake. */
  stillCallerOf(bearer: string | undefined, cookie: string | undefined): Caller | undefined {
    return this.#callerBy(bearer, cookie === undefined ? undefined : this.sessions.stillUserOf(cookie));
  }

  #callerBy(bearer: string | undefined, name: string | undefined): Caller | undefined {
    if (bearer !== undefined) {
      if (same(bearer, this.localToken)) return { kind: 'local', name: 'local', role: 'admin' };
      const token = this.store.token(bearer, this.#clock.wallMs());
      return token === undefined ? undefined : { kind: 'token', name: token.name, role: token.role };
    }
    const user = name === undefined ? undefined : this.store.user(name);
    return user === undefined ? undefined : { kind: 'session', name: user.name, role: user.role };
  }

  /** A new session's cookie. Throws FETTLE_ACCESS_DENIED, FETTLE_ACCESS_LOCKED and FETTLE_ACCESS_BUSY. */
  async login(name: string, password: string, from: string): Promise<string> {
    const keys = [`name ${name}`, `address ${from}`];
    this.#refuseWhileLocked(keys);
    const user = await this.store.verify(name, password);
    if (user === undefined) throw this.#failed(keys, name, from);
    return this.#begin(user.name, from, keys);
  }

  /** With the code of the first-run link, once. Throws as `login`. */
  loginWithLink(code: string, from: string): string {
    const keys = [`address ${from}`];
    this.#refuseWhileLocked(keys);
    const link = this.#link;
    if (link === undefined || this.#clock.monotonicMs() > link.untilMs || !same(code, link.code)) throw this.#failed(keys, 'link', from);
    this.#link = undefined;
    return this.#begin(firstUser, from, keys);
  }

  /** Returns a new session's cookie; the others of the person end. `before` may be absent where the password was set by chance. Throws FETTLE_ACCESS_DENIED where it is not the password, and as `login`. */
  async changePassword(name: string, before: string | undefined, password: string, from: string): Promise<string> {
    const keys = [`name ${name}`, `address ${from}`];
    this.#refuseWhileLocked(keys);
    const isKnown =
      before === undefined ? this.store.user(name)?.mustChange === true : (await this.store.verify(name, before)) !== undefined;
    if (!isKnown) throw this.#failed(keys, name, from);
    await this.store.setPassword(name, password, true);
    if (name === firstUser) rmSync(join(this.#directory, firstRunFile), { force: true });
    this.audit.append(this.#now, name, from, 'user.password', { user: name });
    this.sessions.endAllOf(name);
    return this.#begin(name, from, keys);
  }

  /** The first password was by chance or somebody else's: nothing is done with it but to choose another. */
  mustChange({ kind, name }: Caller): boolean {
    return kind === 'session' && this.store.user(name)?.mustChange === true;
  }

  /** What came over MQTT: who sent it can only be claimed. */
  recordClaimed(command: AlarmCommand, over: 'mqtt'): void {
    this.audit.append(this.#now, command.by, over, `command.${command.verb}`, commandFacts(command));
  }

  record(caller: Caller, from: string, action: string, detail?: Readonly<Record<string, unknown>>): void {
    this.audit.append(this.#now, caller.name, from, action, detail);
  }

  /** The configuration the gateway starts with, by checksum: a change of the file shows. */
  recordConfiguration(path: string): void {
    const text = existsSync(path) ? readFileSync(path) : '';
    this.audit.append(this.#now, 'fettle', 'local', 'configuration', {
      file: path,
      sha256: createHash('sha256').update(text).digest('hex'),
    });
  }

  get #now(): Date {
    return new Date(this.#clock.wallMs());
  }

  #begin(name: string, from: string, keys: readonly string[]): string {
    this.#lockout.succeeded(...keys);
    this.audit.append(this.#now, name, from, 'login');
    return this.sessions.begin(name);
  }

  #refuseWhileLocked(keys: readonly string[]): void {
    const waitMs = this.#lockout.waitMs(...keys);
    if (waitMs > 0)
      throw new FettleError('FETTLE_ACCESS_LOCKED', `too many failed logins; try again in ${Math.ceil(waitMs / 1000)} s`, {
        retryAfterMs: waitMs,
      });
  }

  #failed(keys: readonly string[], name: string, from: string): FettleError {
    this.#lockout.failed(...keys);
    // What was typed may be a password in the wrong field.
    const known = this.store.user(name) !== undefined || name === 'link';
    this.audit.append(this.#now, known ? name : 'unknown', from, 'login.failed');
    return new FettleError('FETTLE_ACCESS_DENIED', 'name or password is wrong');
  }
}
