import { useEffect, useState } from 'preact/hooks';
import { ApiError, ask, post } from '../api.ts';
import { duration } from '../format.ts';
import { t } from '../language.ts';
import { begin, endSession, session } from '../state.ts';

const linkCode = (): string | undefined => /^#login=([\w-]+)$/.exec(location.hash)?.[1];

/** Name and password; or the link of the first start, which needs neither. */
export function Login() {
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [error, setError] = useState<string | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);
  const run = async (body: object): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await post('/session', body);
      await begin();
    } catch (caught) {
      setError(caught instanceof ApiError ? refusalText(caught) : t('login.unreachable'));
    } finally {
      setBusy(false);
    }
  };
  useEffect(() => {
    const code = linkCode();
    if (code === undefined) return;
    // Not to be kept in the history of the browser.
    history.replaceState(null, '', '#/');
    void run({ code });
  }, []);
  return (
    <main class="login">
      <h1>Fettle</h1>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void run({ user, password });
        }}
      >
        <label>
          {t('login.user')}
          <input required autocomplete="username" value={user} onInput={(event) => setUser(event.currentTarget.value)} />
        </label>
        <label>
          {t('login.password')}
          <input
            required
            type="password"
            autocomplete="current-password"
            value={password}
            onInput={(event) => setPassword(event.currentTarget.value)}
          />
        </label>
        {error !== undefined && (
          <p class="error" role="alert">
            {error}
          </p>
        )}
        <button type="submit" class="primary" disabled={isBusy}>
          {t('login.go')}
        </button>
        <p class="note">{t('login.first')}</p>
      </form>
    </main>
  );
}

/** Why nobody was let in, in the reader's language. */
function refusalText({ code, message, retryAfterS }: ApiError): string {
  if (code === 'FETTLE_ACCESS_DENIED') return t('login.wrong');
  if (code === 'FETTLE_ACCESS_LOCKED' && retryAfterS > 0) return t('login.locked', { time: duration(1000 * retryAfterS) });
  return message;
}

/** A password of one's own, in place of one that was made by chance or by somebody else. */
export function ChangePassword({ onDone }: { readonly onDone: () => void }) {
  const isForced = session.value?.mustChange === true;
  const [before, setBefore] = useState('');
  const [password, setPassword] = useState('');
  const [error, setError] = useState<string | undefined>(undefined);
  const submit = async (): Promise<void> => {
    setError(undefined);
    try {
      await post('/session/password', { password, ...(!isForced && { before }) });
      await begin();
      onDone();
    } catch (caught) {
      setError(caught instanceof Error ? caught.message : String(caught));
    }
  };
  return (
    <form
      class="card"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <h2>{t('password.title')}</h2>
      {/* Password managers want to know whose it is. */}
      <input class="only-read" autocomplete="username" readOnly tabIndex={-1} aria-hidden="true" value={session.value?.name} />
      {isForced && <p>{t('password.must')}</p>}
      {!isForced && (
        <label>
          {t('password.before')}
          <input
            required
            type="password"
            autocomplete="current-password"
            value={before}
            onInput={(event) => setBefore(event.currentTarget.value)}
          />
        </label>
      )}
      <label>
        {t('password.new')}
        <input
          required
          type="password"
          minLength={10}
          autocomplete="new-password"
          value={password}
          onInput={(event) => setPassword(event.currentTarget.value)}
        />
      </label>
      {error !== undefined && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
      <button type="submit" class="primary">
        {t('password.set')}
      </button>
    </form>
  );
}

export async function logout(): Promise<void> {
  await ask('DELETE', '/session').catch(() => {});
  endSession();
}
