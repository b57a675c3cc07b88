import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AccessControl } from '../../src/server/access/access-control.ts';
import { AccessStore } from '../../src/server/access/access-store.ts';
import { AuditLog, auditFileOf, readAudit, setAsideFiles } from '../../src/server/access/audit-log.ts';
import { Lockout } from '../../src/server/access/lockout.ts';
import { Sessions } from '../../src/server/access/sessions.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const at = new Date('2026-03-01T06:00:00Z');
const startMs = at.getTime();

function clockAt() {
  const clock = { nowMs: startMs, wallMs: () => clock.nowMs, monotonicMs: () => clock.nowMs };
  return clock;
}

describe('users and tokens', () => {
  it('are kept as hashes in a file only its owner can read, and found again', async () => {
    const directory = temporaryDirectory();
    const store = new AccessStore(directory);
    const password = await store.addUser('Änne Öz', 'operator', at);
    expect(password).toMatch(/^[a-z2-9]{5}(-[a-z2-9]{5}){3}$/);
    const { secret } = store.addToken('grafana', 'viewer', at, new Date(startMs + 1000));
    const file = join(directory, 'access.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const text = readFileSync(file, 'utf8');
    expect(text).not.toContain(password);
    expect(text).not.toContain(secret);
    const again = new AccessStore(directory);
    expect(await again.verify('Änne Öz', password)).toMatchObject({ role: 'operator', mustChange: true });
    expect(await again.verify('Änne Öz', `${password}x`)).toBeUndefined();
    expect(await again.verify('nobody', password)).toBeUndefined();
    expect(again.token(secret, startMs + 999)).toMatchObject({ name: 'grafana', role: 'viewer' });
    expect(again.token(secret, startMs + 1000)).toBeUndefined();
    again.removeToken(again.tokens()[0]?.id as string);
    expect(new AccessStore(directory).token(secret, startMs)).toBeUndefined();
  });

  it('keep an admin, whatever is asked', async () => {
    const store = new AccessStore(temporaryDirectory());
    await store.addUser('ada', 'admin', at);
    expect(() => store.setDisabled('ada', true)).toThrow('the last admin');
    expect(() => store.setRole('ada', 'viewer')).toThrow('the last admin');
    await store.addUser('bob', 'admin', at, 'long enough for bob');
    store.setDisabled('ada', true);
    expect(store.user('ada')).toBeUndefined();
    expect(() => store.setDisabled('bob', true)).toThrow('the last admin');
  });

  it('refuse what does not do', async () => {
    const store = new AccessStore(temporaryDirectory());
    await store.addUser('ada', 'admin', at);
    await expect(store.addUser('ada', 'viewer', at)).rejects.toThrow('already');
    await expect(store.addUser('bob', 'viewer', at, 'short')).rejects.toThrow('at least 10');
    await expect(store.addUser('<b>', 'viewer', at)).rejects.toThrow('letters, digits');
    expect(() => store.removeToken('none')).toThrow('no token none');
  });

  it('whose file is damaged let nobody in', () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, 'access.json'), '{"version":1,"users":[');
    expect(() => new AccessStore(directory)).toThrow('access.json cannot be read');
  });
});

describe('logging in', () => {
  it('with the first secret or its link, once; a password of one’s own ends other sessions', async () => {
    const directory = temporaryDirectory();
    const clock = clockAt();
    const access = new AccessControl(directory, clock);
    const first = await access.firstRun(true);
    if (first === undefined) throw new Error('no first user');
    const file = join(directory, 'first-login.txt');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toContain(first.password);
    const cookie = access.loginWithLink(first.code, '10.0.0.9');
    expect(access.callerOf(undefined, cookie)).toEqual({ kind: 'session', name: 'admin', role: 'admin' });
    expect(() => access.loginWithLink(first.code, '10.0.0.9')).toThrow('wrong');
    const other = await access.login('admin', first.password, '10.0.0.9');
    // The first password was by chance: who is logged in may replace it without typing it.
    const fresh = await access.changePassword('admin', undefined, 'a password of my own', '10.0.0.9');
    expect(access.callerOf(undefined, other)).toBeUndefined();
    expect(access.callerOf(undefined, fresh)?.name).toBe('admin');
    expect(() => readFileSync(file)).toThrow();
    await expect(access.changePassword('admin', undefined, 'another of my own', '10.0.0.9')).rejects.toThrow('wrong');
    access.audit.close();
    expect(await new AccessControl(directory, clock).firstRun(false)).toBeUndefined();
  });

  it('wrongly too often has to wait, longer each time; what was typed is nowhere', async () => {
    const directory = temporaryDirectory();
    const clock = clockAt();
    const access = new AccessControl(directory, clock);
    const first = await access.firstRun(false);
    const guess = () => access.login('admin', 'my secret guess', '10.0.0.9');
    for (let i = 0; i < 5; i++) await expect(guess()).rejects.toMatchObject({ code: 'FETTLE_ACCESS_DENIED' });
    await expect(access.login('admin', first?.password ?? '', '10.0.0.1')).rejects.toMatchObject({
      code: 'FETTLE_ACCESS_LOCKED',
      retryAfterMs: 30_000,
    });
    clock.nowMs += 30_000;
    await expect(guess()).rejects.toMatchObject({ code: 'FETTLE_ACCESS_DENIED' });
    await expect(guess()).rejects.toMatchObject({ retryAfterMs: 60_000 });
    clock.nowMs += 60_000;
    await access.login('admin', first?.password ?? '', '10.0.0.1');
    await expect(access.login('hunter2', 'x', '10.0.0.7')).rejects.toThrow();
    access.audit.close();
    const log = readFileSync(auditFileOf(directory), 'utf8');
    expect(log).not.toContain('secret guess');
    expect(log).not.toContain('hunter2');
    expect(readAudit(log).entries.map(({ action }) => action)).toEqual([
      'user.add',
      ...Array(6).fill('login.failed'),
      'login',
      'login.failed',
    ]);
  });

  it('lasts twelve hours of rest, a week in all', () => {
    const clock = clockAt();
    const sessions = new Sessions(clock);
    const cookie = sessions.begin('ada');
    clock.nowMs += 11 * 3_600_000;
    expect(sessions.userOf(cookie)).toBe('ada');
    clock.nowMs += 13 * 3_600_000;
    expect(sessions.userOf(cookie)).toBeUndefined();
    const busy = sessions.begin('ada');
    for (let hour = 0; hour < 7 * 24; hour += 6) {
      expect(sessions.userOf(busy)).toBe('ada');
      clock.nowMs += 6 * 3_600_000;
    }
    clock.nowMs += 1;
    expect(sessions.userOf(busy)).toBeUndefined();
  });

  it('is bounded in what it remembers', () => {
    const clock = clockAt();
    const sessions = new Sessions(clock);
    const first = sessions.begin('ada');
    for (let i = 0; i < 1000; i++) {
      clock.nowMs++;
      sessions.begin('bob');
    }
    expect(sessions.userOf(first)).toBeUndefined();
    const lockout = new Lockout(clock);
    for (let i = 0; i < 5; i++) lockout.failed('name ada');
    for (let i = 0; i < 20_000; i++) lockout.failed(`name ${i}`);
    expect(lockout.waitMs('name ada')).toBe(0);
  });
});

describe('the audit log', () => {
  const written = (directory: string, count: number): string => {
    const log = new AuditLog(directory, at);
    for (let i = 0; i < count; i++) log.append(at, 'ada', '10.0.0.9', 'command.shelve', { asset: 'line1/press', i });
    log.close();
    return readFileSync(auditFileOf(directory), 'utf8');
  };

  it('goes on across a restart, and shows every change', () => {
    const directory = temporaryDirectory();
    written(directory, 3);
    const text = written(directory, 2);
    expect(readAudit(text)).toMatchObject({ broken: null, entries: [{ seq: 1 }, { seq: 2 }, { seq: 3 }, { seq: 4 }, { seq: 5 }] });
    const lines = text.trimEnd().split('\n');
    const tampered: [string, number][] = [
      [text.replace('"i":1', '"i":7'), 2],
      [text.replace('"who":"ada"', '"who":"bob"'), 1],
      [lines.filter((_, i) => i !== 2).join('\n'), 3],
      [[lines[1], lines[0], ...lines.slice(2)].join('\n'), 1],
    ];
    for (const [changed, line] of tampered) expect(readAudit(changed).broken?.line).toBe(line);
  });

  it('forgets a line the power cut in two, and sets a log aside that somebody changed', () => {
    const directory = temporaryDirectory();
    written(directory, 2);
    appendFileSync(auditFileOf(directory), '{"seq":3,"at":"2026');
    expect(readAudit(written(directory, 1))).toMatchObject({ broken: null, entries: [{}, {}, { seq: 3 }] });
    expect(setAsideFiles(directory)).toEqual([]);
    writeFileSync(auditFileOf(directory), readFileSync(auditFileOf(directory), 'utf8').replace('"i":0', '"i":9'));
    const { entries, broken } = readAudit(written(directory, 1));
    expect(broken).toBeNull();
    const [file] = setAsideFiles(directory);
    expect(entries.map(({ action, detail }) => [action, detail])).toEqual([
      ['audit.broken', { file, line: 1, reason: 'does not fit the entry before it' }],
      ['command.shelve', { asset: 'line1/press', i: 0 }],
    ]);
  });
});
