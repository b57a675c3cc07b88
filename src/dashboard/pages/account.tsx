import { useState } from 'preact/hooks';
import type { TokenFacts, UserFacts } from '../../server/access/access-store.ts';
import { mayAct, type Role, roles } from '../../server/access/roles.ts';
import { ask, post } from '../api.ts';
import { when } from '../format.ts';
import { type Language, language, languages, setLanguage, type Text, t } from '../language.ts';
import { WideTable } from '../parts/wide-table.tsx';
import { session, tell } from '../state.ts';
import { type Theme, theme } from '../theme.ts';
import { useFetched } from '../use-fetched.ts';
import { ChangePassword } from './login.tsx';

function Preferences() {
  return (
    <section class="card" aria-labelledby="preferences">
      <h2 id="preferences">{t('account.preferences')}</h2>
      <label>
        {t('account.language')}
        <select value={language.value} onChange={(event) => setLanguage(event.currentTarget.value as Language)}>
          {Object.entries(languages).map(([code, name]) => (
            <option key={code} value={code}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label>
        {t('account.theme')}
        <select
          value={theme.value}
          onChange={(event) => {
            theme.value = event.currentTarget.value as Theme;
          }}
        >
          {(['auto', 'light', 'dark'] as const).map((name) => (
            <option key={name} value={name}>
              {t(`theme.${name}` as Text)}
            </option>
          ))}
        </select>
      </label>
    </section>
  );
}

const RoleSelect = ({
  value,
  onChange,
  label,
}: {
  readonly value: Role;
  readonly onChange: (role: Role) => void;
  readonly label: string;
}) => (
  <select aria-label={label} value={value} onChange={(event) => onChange(event.currentTarget.value as Role)}>
    {roles.map((role) => (
      <option key={role} value={role}>
        {t(`role.${role}` as Text)}
      </option>
    ))}
  </select>
);

/** A list with a form below it for a new one, whose secret is shown once. */
function People() {
  const { data: users, again } = useFetched<readonly UserFacts[]>('/users');
  const { data: tokens, again: tokensAgain } = useFetched<readonly TokenFacts[]>('/tokens');
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('operator');
  const [isToken, setIsToken] = useState(false);
  const [secret, setSecret] = useState<string | undefined>(undefined);
  const act = async (run: () => Promise<unknown>): Promise<void> => {
    try {
      await run();
      again();
      tokensAgain();
    } catch (error) {
      tell(error);
    }
  };
  const path = (user: string, verb: string): string => `/users/${encodeURIComponent(user)}/${verb}`;
  const add = async (): Promise<void> => {
    const made = await post<{ password?: string; secret?: string }>(isToken ? '/tokens' : '/users', { name, role });
    setSecret(`${name}: ${made.password ?? made.secret ?? ''}`);
    setName('');
  };
  return (
    <section class="card" aria-labelledby="people">
      <h2 id="people">{t('people.title')}</h2>
      <WideTable label={t('people.title')} isCards>
        <thead>
          <tr>
            <th scope="col">{t('people.name')}</th>
            <th scope="col">{t('people.role')}</th>
            <th scope="col">{t('people.since')}</th>
            <th scope="col">
              <span class="only-read">{t('models.actions')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {users?.map(({ name: user, role: has, disabled, createdAt }) => (
            <tr key={user}>
              <th scope="row">{user}</th>
              <td data-label={t('people.role')}>
                <RoleSelect
                  value={has}
                  label={`${t('people.role')}: ${user}`}
                  onChange={(to) => void act(() => post(path(user, 'role'), { role: to }))}
                />
              </td>
              <td data-label={t('people.since')}>{when(Date.parse(createdAt))}</td>
              <td class="actions">
                <button type="button" onClick={() => void act(() => post(path(user, disabled ? 'enable' : 'disable')))}>
                  {disabled ? t('people.enable') : t('people.disable')}
                </button>
                <button
                  type="button"
                  onClick={() =>
                    void act(async () => {
                      const { password } = await post<{ password: string }>(path(user, 'reset-password'));
                      setSecret(`${user}: ${password}`);
                    })
                  }
                >
                  {t('people.reset')}
                </button>
              </td>
            </tr>
          ))}
          {tokens?.map(({ id, name: token, role: has, createdAt, expiresAt }) => (
            <tr key={id}>
              <th scope="row">
                {token} <small>{t('people.token')}</small>
              </th>
              <td data-label={t('people.role')}>{t(`role.${has}` as Text)}</td>
              <td data-label={t('people.since')}>
                {when(Date.parse(createdAt))}
                {expiresAt !== null && <small>{t('people.until', { when: when(Date.parse(expiresAt)) })}</small>}
              </td>
              <td class="actions">
                <button type="button" onClick={() => void act(() => ask('DELETE', `/tokens/${id}`))}>
                  {t('people.remove')}
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </WideTable>
      {secret !== undefined && (
        <p class="secret" role="status">
          {t('people.once')} <code>{secret}</code>
        </p>
      )}
      <form
        class="inline"
        onSubmit={(event) => {
          event.preventDefault();
          void act(add);
        }}
      >
        <label>
          {t('people.name')}
          <input required maxLength={64} value={name} onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <RoleSelect value={role} label={t('people.role')} onChange={setRole} />
        <label class="check">
          <input type="checkbox" checked={isToken} onChange={(event) => setIsToken(event.currentTarget.checked)} />
          {t('people.isProgram')}
        </label>
        <button type="submit">{t('people.add')}</button>
      </form>
    </section>
  );
}

/** The reader's own settings; for admins, people and programs. */
export function Account() {
  const [done, setDone] = useState(false);
  const me = session.value;
  return (
    <>
      <h1>{t('nav.account')}</h1>
      {me && <p>{t('account.who', { name: me.name, role: t(`role.${me.role}` as Text) })}</p>}
      <Preferences />
      {done ? <p role="status">{t('password.done')}</p> : <ChangePassword onDone={() => setDone(true)} />}
      {me && mayAct(me.role, 'admin') && <People />}
    </>
  );
}
