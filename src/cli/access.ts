import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { Argument, Command } from 'commander';
import { FettleError } from '../core/errors.ts';
import { AccessStore, type TokenFacts, type UserFacts } from '../server/access/access-store.ts';
import { AuditLog, auditFileOf, readAudit, setAsideFiles } from '../server/access/audit-log.ts';
import { type Role, roles } from '../server/access/roles.ts';
import { readRuntimeFile } from '../server/runtime-file.ts';
import { aligned } from './aligned.ts';
import { duration } from './arguments.ts';
import { askGateway, directoryOf, type Where, withWhere } from './ask-gateway.ts';

interface Ask {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: object;
  /** The same where no gateway runs on the data directory: whoever may write it may do everything. */
  offline(store: AccessStore, record: (action: string, detail: object) => void): unknown;
}

/** Through the gateway where one runs, so that it knows at once; else in its file. */
async function change<Answer>(where: Where, { method, path, body, offline }: Ask): Promise<Answer> {
  const directory = directoryOf(where);
  try {
    return await askGateway<Answer>(directory, method, path, body);
  } catch (error) {
    const isAway = error instanceof FettleError && error.code === 'FETTLE_API_UNREACHABLE';
    if (!isAway || isAlive(readRuntimeFile(directory)?.pid)) throw error;
  }
  const audit = new AuditLog(directory, new Date());
  try {
    const record = (action: string, detail: object): void => audit.append(new Date(), userInfo().username, 'local', action, { ...detail });
    return (await offline(new AccessStore(directory), record)) as Answer;
  } finally {
    audit.close();
  }
}

function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const say = (where: Where, answer: unknown, text: string): void =>
  void process.stdout.write(where.json === true ? `${JSON.stringify(answer)}\n` : `${text}\n`);
const roleOption = [
  '--role <role>',
  `viewer looks, operator handles alarms, engineer changes models and data, admin manages people`,
] as const;

function parseRole(text: string): Role {
  const role = roles.find((one) => one === text);
  if (role === undefined) throw new FettleError('FETTLE_ACCESS_INVALID', `there is no role ${text}; there are ${roles.join(', ')}`);
  return role;
}

/** People who may log in. */
export function userCommand(): Command {
  const command = new Command('user').description('Who may log in at the dashboard');
  withWhere(command.command('list').description('Everybody')).action(async (where: Where) => {
    const users = await change<UserFacts[]>(where, { method: 'GET', path: '/api/v1/users', offline: (store) => store.users() });
    const rows = users.map(({ name, role, disabled, createdAt }) => [name, role, disabled ? 'disabled' : '', createdAt.slice(0, 10)]);
    say(where, users, aligned([['name', 'role', '', 'since'], ...rows]).join('\n'));
  });
  withWhere(command.command('add <name>').description('Somebody new; the password is shown once'))
    .option(...roleOption, parseRole, 'operator' as Role)
    .action(async (name: string, { role, ...where }: Where & { role: Role }) => {
      const answer = await change<{ password: string }>(where, {
        method: 'POST',
        path: '/api/v1/users',
        body: { name, role },
        offline: async (store, record) => {
          const password = await store.addUser(name, role, new Date());
          record('user.add', { user: name, role });
          return { password };
        },
      });
      say(where, answer, `${name}, ${role}; password (shown once): ${answer.password}`);
    });
  withWhere(command.command('role <name>').description('Another role'))
    .addArgument(new Argument('<role>').choices([...roles]))
    .action(async (name: string, role: Role, where: Where) => {
      const answer = await change(where, {
        method: 'POST',
        path: `/api/v1/users/${encodeURIComponent(name)}/role`,
        body: { role },
        offline: (store, record) => {
          store.setRole(name, role);
          record('user.role', { user: name, role });
        },
      });
      say(where, answer ?? { ok: true }, `${name} is ${role} now`);
    });
  for (const [verb, isDisabled, text] of [
    ['disable', true, 'can no longer log in'],
    ['enable', false, 'can log in again'],
  ] as const) {
    withWhere(command.command(`${verb} <name>`).description(`The person ${text}`)).action(async (name: string, where: Where) => {
      const answer = await change(where, {
        method: 'POST',
        path: `/api/v1/users/${encodeURIComponent(name)}/${verb}`,
        offline: (store, record) => {
          store.setDisabled(name, isDisabled);
          record(`user.${verb}`, { user: name });
        },
      });
      say(where, answer ?? { ok: true }, `${name} ${text}`);
    });
  }
  withWhere(command.command('reset-password <name>').description('A new password, shown once')).action(
    async (name: string, where: Where) => {
      const answer = await change<{ password: string }>(where, {
        method: 'POST',
        path: `/api/v1/users/${encodeURIComponent(name)}/reset-password`,
        offline: async (store, record) => {
          const password = await store.setPassword(name, undefined, false);
          record('user.reset-password', { user: name });
          return { password };
        },
      });
      say(where, answer, `${name}; password (shown once): ${answer.password}`);
    },
  );
  return command;
}

/** Programs that may ask. */
export function tokenCommand(): Command {
  const command = new Command('token').description('Tokens of programs that talk to the gateway');
  withWhere(command.command('list').description('All of them')).action(async (where: Where) => {
    const tokens = await change<TokenFacts[]>(where, { method: 'GET', path: '/api/v1/tokens', offline: (store) => store.tokens() });
    const rows = tokens.map(({ id, name, role, createdAt, expiresAt }) => [
      id,
      name,
      role,
      createdAt.slice(0, 10),
      expiresAt ?? 'for ever',
    ]);
    say(where, tokens, aligned([['id', 'name', 'role', 'since', 'until'], ...rows]).join('\n'));
  });
  withWhere(command.command('add <name>').description('A new one; its secret is shown once'))
    .option(...roleOption, parseRole, 'viewer' as Role)
    .option('--for <duration>', 'how long it is good, e.g. 365d; for ever when absent')
    .action(async (name: string, { role, for: lasts, ...where }: Where & { role: Role; for?: string }) => {
      const forMs = lasts === undefined ? undefined : duration(lasts);
      const answer = await change<{ secret: string; id: string }>(where, {
        method: 'POST',
        path: '/api/v1/tokens',
        body: { name, role, ...(lasts !== undefined && { for: lasts }) },
        offline: (store, record) => {
          const token = store.addToken(name, role, new Date(), forMs === undefined ? undefined : new Date(Date.now() + forMs));
          record('token.add', { id: token.id, name, role });
          return token;
        },
      });
      say(where, answer, `${answer.id}, ${role}; secret (shown once): ${answer.secret}`);
    });
  withWhere(command.command('remove <id>').description('It is good for nothing any more')).action(async (id: string, where: Where) => {
    const answer = await change(where, {
      method: 'DELETE',
      path: `/api/v1/tokens/${encodeURIComponent(id)}`,
      offline: (store, record) => {
        store.removeToken(id);
        record('token.remove', { id });
      },
    });
    say(where, answer ?? { ok: true }, `${id} is removed`);
  });
  return command;
}

/** Who did what. */
export function auditCommand(): Command {
  const command = new Command('audit').description('The log of who did what, chained by hash');
  withWhere(
    command.command('export').description('Every entry, a line of JSON each, those of files set aside first; checked on the way'),
  ).action((where: Where) => {
    const directory = directoryOf(where);
    let isWhole = true;
    for (const name of [...setAsideFiles(directory), 'audit.jsonl']) {
      const path = name === 'audit.jsonl' ? auditFileOf(directory) : join(directory, name);
      const text = readIfThere(path);
      const { entries, head, broken } = readAudit(text);
      process.stdout.write(text);
      if (broken !== null) isWhole = false;
      process.stderr.write(
        broken === null
          ? `${path}: ${entries.length} entries, whole; head ${head}\n`
          : `${path}: line ${broken.line} ${broken.reason}: it, or one before it, was changed after it was written\n`,
      );
    }
    if (!isWhole) process.exitCode = 1;
  });
  return command;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
