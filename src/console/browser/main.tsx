import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError, type Me, signOut, me as whoAmI } from './api.js';
import { AuditPage } from './pages/audit.js';
import { CallsPage } from './pages/calls.js';
import { DestinationPage } from './pages/destination.js';
import { EventsPage } from './pages/events.js';
import { HealthPage } from './pages/health.js';
import { NodesPage } from './pages/nodes.js';
import { Overview } from './pages/overview.js';
import { ReloadPage } from './pages/reload.js';
import { SignIn } from './pages/sign-in.js';
import { TryPage } from './pages/try.js';
import { reasonOf, useStore } from './parts.js';
import { Store } from './store.js';

const PAGES = [
  ['', 'Overview'],
  ['calls', 'Calls'],
  ['events', 'Events'],
  ['try', 'Try'],
  ['reload', 'Reload'],
  ['nodes', 'Nodes'],
  ['health', 'Health'],
  ['audit', 'Audit'],
] as const;

const store = new Store();

function useHash(): readonly string[] {
  const read = () => location.hash.replace(/^#\/?/, '').split('/');
  const [parts, setParts] = useState(read);
  useEffect(() => {
    const listen = () => {
      setParts(read());
      window.scrollTo(0, 0);
    };
    window.addEventListener('hashchange', listen);
    return () => window.removeEventListener('hashchange', listen);
  }, []);
  return parts;
}

function App() {
  const [me, setMe] = useState<Me | 'unknown' | 'signed out'>('unknown');
  const [problem, setProblem] = useState<string>();
  const identify = () =>
    whoAmI().then(
      (found) => {
        setMe(found);
        setProblem(undefined);
        store.connect();
      },
      (error: unknown) => {
        if (error instanceof ApiError && error.status === 401) setMe('signed out');
        else {
          setProblem(reasonOf(error));
          setTimeout(identify, 2000);
        }
      },
    );
  useEffect(() => {
    void identify();
    return store.subscribe(() => {
      if (store.connection === 'refused') void identify();
    });
  }, []);
  if (me === 'signed out') return <SignIn onDone={() => void identify()} />;
  if (me === 'unknown') return <p class="empty">{problem ?? 'Connecting.'}</p>;
  return <Frame me={me} onSignOut={() => void signOut().then(() => (store.disconnect(), setMe('signed out')))} />;
}

function Frame({ me, onSignOut }: { readonly me: Me; readonly onSignOut: () => void }) {
  useStore(store);
  const [page = '', id] = useHash();
  const pages = PAGES.filter(([path]) => mayOpen(path, me));
  const shown = pages.some(([path]) => path === page) || page === 'destination' ? page : '';
  const title = shown === 'destination' ? 'Destination' : pages.find(([path]) => path === shown)?.[1];
  useEffect(() => {
    // Tabs, the browser's history and screen readers use the title (WCAG 2.4.2).
    document.title = `${title} - ${store.node === '' ? '' : `${store.node} - `}switchyard`;
  }, [title, store.node]);
  return (
    <>
      <a class="skip" href="#main" onClick={(e) => (e.preventDefault(), document.getElementById('main')?.focus())}>
        Skip to the content
      </a>
      <header class="bar">
        <strong>switchyard</strong>
        <nav aria-label="Pages">
          {pages.map(([path, name]) => (
            <a key={path} href={`#/${path}`} aria-current={shown === path ? 'page' : undefined}>
              {name}
            </a>
          ))}
        </nav>
        <span class={`connection ${store.connection}`} role="status">
          {store.connection === 'live'
            ? store.node
            : store.connection === 'lost'
              ? 'connection lost'
              : store.connection}
        </span>
        {me.user !== null && (
          <span class="user">
            {me.user}, {me.role}{' '}
            <button type="button" onClick={onSignOut}>
              Sign out
            </button>
          </span>
        )}
      </header>
      <main id="main" tabIndex={-1}>
        {shown === '' && <Overview store={store} me={me} />}
        {shown === 'destination' && <DestinationPage key={id} store={store} me={me} id={Number(id)} />}
        {shown === 'calls' && <CallsPage me={me} />}
        {shown === 'events' && <EventsPage store={store} />}
        {shown === 'try' && <TryPage />}
        {shown === 'reload' && <ReloadPage store={store} me={me} />}
        {shown === 'nodes' && <NodesPage me={me} />}
        {shown === 'health' && <HealthPage />}
        {shown === 'audit' && <AuditPage store={store} />}
      </main>
    </>
  );
}

/** The page of nodes concerns the whole process, so a user limited to some partitions does not see it. */
function mayOpen(path: string, me: Me): boolean {
  if (path === 'audit') return me.role === 'admin';
  return path !== 'nodes' || (me.clustered && me.partitions === null);
}

const root = document.getElementById('app');
if (root !== null) render(<App />, root);
