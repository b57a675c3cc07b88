import { effect } from '@preact/signals';
import { render } from 'preact';
import { useState } from 'preact/hooks';
import { count } from './format.ts';
import { language, type Text, t } from './language.ts';
import { Account } from './pages/account.tsx';
import { Alarms } from './pages/alarms.tsx';
import { Asset } from './pages/asset.tsx';
import { Delivery } from './pages/delivery.tsx';
import { ChangePassword, Login, logout } from './pages/login.tsx';
import { Models } from './pages/models.tsx';
import { Overview } from './pages/overview.tsx';
import { Sources } from './pages/sources.tsx';
import { href, route } from './router.ts';
import { begin, isLive, notice, session, status, waiting } from './state.ts';
import './theme.ts';

const pages = ['overview', 'alarms', 'sources', 'delivery', 'models', 'account'] as const;

function Page() {
  const [page, id] = route.value;
  switch (page) {
    case 'assets':
      return id === undefined ? <Overview /> : <Asset key={id} asset={id} />;
    case 'alarms':
      return <Alarms />;
    case 'sources':
      return <Sources />;
    case 'delivery':
      return <Delivery />;
    case 'models':
      return <Models />;
    case 'account':
      return <Account />;
    default:
      return <Overview />;
  }
}

function Navigation() {
  const [page = 'overview'] = route.value;
  return (
    <nav aria-label={t('nav.label')}>
      <a class="brand" href={href()}>
        <img src="/icon.svg" alt="" width="24" height="24" /> Fettle
      </a>
      <ul>
        {pages.map((name) => (
          <li key={name}>
            <a
              href={name === 'overview' ? href() : href(name)}
              aria-current={page === name || (name === 'overview' && page === 'assets') ? 'page' : undefined}
            >
              {t(`nav.${name}` as Text)}
              {name === 'alarms' && waiting.value > 0 && <span class="count">{count(waiting.value)}</span>}
            </a>
          </li>
        ))}
      </ul>
      <button type="button" onClick={() => void logout()}>
        {t('nav.logout')}
      </button>
    </nav>
  );
}

function Notice() {
  const said = notice.value;
  if (said === undefined) return null;
  return (
    <div class="notice" role="alert">
      {said.text}{' '}
      <button
        type="button"
        onClick={() => {
          notice.value = undefined;
        }}
      >
        {t('close')}
      </button>
    </div>
  );
}

function App() {
  const [, again] = useState(0);
  const who = session.value;
  if (who === undefined) return <main class="login">{t('loading')}</main>;
  if (who === null) return <Login />;
  if (who.mustChange) {
    return (
      <main class="login">
        <h1>Fettle</h1>
        <ChangePassword onDone={() => again((n) => n + 1)} />
      </main>
    );
  }
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('content')?.focus()}>
        {t('nav.skip')}
      </button>
      <Navigation />
      {!isLive.value && (
        <p class="lost" role="status">
          {t('connection.lost')}
        </p>
      )}
      <Notice />
      <main id="content" tabIndex={-1}>
        <Page />
      </main>
    </>
  );
}

effect(() => {
  document.documentElement.lang = language.value;
  document.title = `${waiting.value > 0 ? `(${waiting.value}) ` : ''}Fettle${status.value === undefined ? '' : ` – ${status.value.site}`}`;
});

render(<App />, document.getElementById('app') as HTMLElement);
void begin();
