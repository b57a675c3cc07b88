import { createHash, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { errorText, FettleError } from '../../core/errors.ts';
import { hashPassword, isPassword, randomPassword, shortestPassword } from './passwords.ts';
import { type Role, roles } from './roles.ts';

const role = z.enum(roles);
const userSchema = z.strictObject({
  name: z.string(),
  role,
  hash: z.string(),
  disabled: z.boolean(),
  createdAt: z.string(),
  /** Set by somebody else, or by chance: the person should choose one. */
  mustChange: z.boolean(),
});
const tokenSchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  role,
  /** SHA-256 of the secret, which is random and long: no need for a slow hash. */
  hash: z.string(),
  createdAt: z.string(),
  expiresAt: z.string().nullable(),
});
const fileSchema = z.strictObject({ version: z.literal(1), users: z.array(userSchema), tokens: z.array(tokenSchema) });

type User = z.output<typeof userSchema>;
type Token = z.output<typeof tokenSchema>;
export type UserFacts = Omit<User, 'hash'>;
export type TokenFacts = Omit<Token, 'hash'>;

/** As people write them; no path, no markup. */
export const userName = () =>
  z
    .string()
    .regex(/^[\p{L}\p{N}][\p{L}\p{N}._@ -]{0,62}[\p{L}\p{N}]$|^[\p{L}\p{N}]$/u, 'must be 1 to 64 letters, digits, . _ - @ or spaces');

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url');
const usersBound = 1000;

/** People and programs that may talk to the gateway: a file of the data directory that only its owner can read. Passwords and tokens are kept as hashes. */
export class AccessStore {
  readonly #path: string;
  #users: readonly User[] = [];
  #tokens: readonly Token[] = [];

  /** Throws FETTLE_ACCESS_INVALID where the file cannot be read: nobody gets in by damaging it. */
  constructor(directory: string) {
    this.#path = join(directory, 'access.json');
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw this.#unreadable(error);
    }
    try {
      const { users, tokens } = fileSchema.parse(JSON.parse(text));
      this.#users = users;
      this.#tokens = tokens;
    } catch (error) {
      throw this.#unreadable(error);
    }
  }

  get isEmpty(): boolean {
    return this.#users.length === 0;
  }

  users(): UserFacts[] {
    return this.#users.map(({ hash: _, ...facts }) => facts);
  }

  tokens(): TokenFacts[] {
    return this.#tokens.map(({ hash: _, ...facts }) => facts);
  }

  user(name: string): UserFacts | undefined {
    return this.users().find((user) => user.name === name && !user.disabled);
  }

  /** Returns the password: the given one, or one by chance. Throws FETTLE_ACCESS_INVALID. */
  async addUser(name: string, as: Role, at: Date, password?: string): Promise<string> {
    const problem = userName().safeParse(name).error?.issues[0]?.message;
    if (problem !== undefined) throw new FettleError('FETTLE_ACCESS_INVALID', `${name}: ${problem}`);
    if (this.#users.some((user) => user.name === name)) throw new FettleError('FETTLE_ACCESS_INVALID', `there is a user ${name} already`);
    if (this.#users.length >= usersBound)
      throw new FettleError('FETTLE_ACCESS_INVALID', `there are ${usersBound} users, which is the bound`);
    const chosen = checked(password ?? randomPassword());
    const hash = await hashPassword(chosen);
    const user = { name, role: as, hash, disabled: false, createdAt: at.toISOString(), mustChange: password === undefined };
    this.#save([...this.#users, user], this.#tokens);
    return chosen;
  }

  /** Returns the new password. `byThemselves`: it need not be changed again. */
  async setPassword(name: string, password: string | undefined, byThemselves: boolean): Promise<string> {
    this.#known(name);
    const chosen = checked(password ?? randomPassword());
    const hash = await hashPassword(chosen);
    this.#change(name, { hash, mustChange: !byThemselves });
    return chosen;
  }

  /** Throws FETTLE_ACCESS_INVALID where nobody would be left who can manage people. */
  setDisabled(name: string, disabled: boolean): void {
    const user = this.#known(name);
    if (disabled) this.#keepAdmin(user);
    this.#change(name, { disabled });
  }

  setRole(name: string, as: Role): void {
    const user = this.#known(name);
    if (as !== 'admin') this.#keepAdmin(user);
    this.#change(name, { role: as });
  }

  /** The person whose password it is. */
  async verify(name: string, password: string): Promise<UserFacts | undefined> {
    const user = this.#users.find((one) => one.name === name && !one.disabled);
    return (await isPassword(password, user?.hash)) ? this.user(name) : undefined;
  }

  /** The secret is told once. */
  addToken(name: string, as: Role, at: Date, expires?: Date): TokenFacts & { readonly secret: string } {
    if (this.#tokens.length >= usersBound)
      throw new FettleError('FETTLE_ACCESS_INVALID', `there are ${usersBound} tokens, which is the bound`);
    const secret = `fettle_${randomBytes(24).toString('base64url')}`;
    const facts = {
      id: randomBytes(6).toString('hex'),
      name,
      role: as,
      createdAt: at.toISOString(),
      expiresAt: expires?.toISOString() ?? null,
    };
    this.#save(this.#users, [...this.#tokens, { ...facts, hash: sha256(secret) }]);
    return { ...facts, secret };
  }

  removeToken(id: string): void {
    if (!this.#tokens.some((token) => token.id === id)) throw new FettleError('FETTLE_ACCESS_INVALID', `there is no token ${id}`);
    this.#save(
      this.#users,
      this.#tokens.filter((token) => token.id !== id),
    );
  }

  token(secret: string, nowMs: number): TokenFacts | undefined {
    const hash = sha256(secret);
    return this.#tokens.find((token) => token.hash === hash && (token.expiresAt === null || Date.parse(token.expiresAt) > nowMs));
  }

  #known(name: string): User {
    const user = this.#users.find((one) => one.name === name);
    if (user === undefined) throw new FettleError('FETTLE_ACCESS_INVALID', `there is no user ${name}`);
    return user;
  }

  #keepAdmin({ name, role: has }: User): void {
    if (has === 'admin' && !this.#users.some((user) => user.name !== name && user.role === 'admin' && !user.disabled))
      throw new FettleError('FETTLE_ACCESS_INVALID', `${name} is the last admin; make another one first`);
  }

  #change(name: string, change: Partial<User>): void {
    this.#save(
      this.#users.map((user) => (user.name === name ? { ...user, ...change } : user)),
      this.#tokens,
    );
  }

  /** On the disk before it holds. */
  #save(users: readonly User[], tokens: readonly Token[]): void {
    const fresh = `${this.#path}.new`;
    const file = openSync(fresh, 'w', 0o600);
    try {
      writeSync(file, `${JSON.stringify({ version: 1, users, tokens }, null, 2)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(fresh, this.#path);
    this.#users = users;
    this.#tokens = tokens;
  }

  #unreadable(error: unknown): FettleError {
    return new FettleError('FETTLE_ACCESS_INVALID', `${this.#path} cannot be read: ${errorText(error)}`, {
      cause: error,
      hint: 'restore it from a backup, or move it away: the next start then makes a first user anew',
    });
  }
}

function checked(password: string): string {
  if (password.length < shortestPassword)
    throw new FettleError('FETTLE_ACCESS_INVALID', `a password has at least ${shortestPassword} characters`);
  if (password.length > 1000) throw new FettleError('FETTLE_ACCESS_INVALID', 'a password has at most 1000 characters');
  return password;
}
