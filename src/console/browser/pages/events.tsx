import { useEffect, useState } from 'preact/hooks';
import type { EventList } from '../../server/wire.js';
import { events as eventsBefore } from '../api.js';
import { moment } from '../format.js';
import { Problem, reasonOf, Scroll, State, useStore } from '../parts.js';
import type { LiveEvent, Store } from '../store.js';

/** Events loaded from the past, newest first. */
interface Past {
  readonly events: readonly LiveEvent[];
  readonly from: EventList['from'];
  readonly before: number | undefined;
}

/** Events as they are published, newest first; below them those from before the page was opened. */
export function EventsPage({ store }: { readonly store: Store }) {
  useStore(store);
  const [search, setSearch] = useState('');
  const [past, setPast] = useState<Past>();
  const [reading, setReading] = useState(false);
  const [problem, setProblem] = useState<string>();
  const read = async (before?: number) => {
    setReading(true);
    try {
      const page = await eventsBefore(before);
      setPast((known) => ({
        events: [...(before === undefined ? [] : (known?.events ?? [])), ...(page.events as readonly LiveEvent[])],
        from: page.from,
        before: page.before,
      }));
      setProblem(page.problem);
    } catch (error) {
      setProblem(reasonOf(error));
    } finally {
      setReading(false);
    }
  };
  useEffect(() => void read(), []);
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const all = joined(store.events, past?.events ?? []);
  const shown = all.filter(({ params }) => {
    const text = Object.values(params).join(' ').toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const idOf = (partition: unknown, group: unknown, address: unknown) =>
    [...store.rows.values()].find(
      ({ info }) => info.partition === partition && info.set === Number(group) && info.uri === address,
    )?.info.id;
  return (
    <article>
      <h1>Events</h1>
      <div class="tools">
        <label class="search">
          <span class="hidden">Search events</span>
          <input type="search" placeholder="Search" value={search} onInput={(e) => setSearch(e.currentTarget.value)} />
        </label>
      </div>
      {problem !== undefined && <Problem>{problem}</Problem>}
      {shown.length === 0 ? (
        <p class="empty">
          {all.length === 0 ? (past === undefined ? 'Loading.' : 'None so far.') : 'Nothing matches.'}
        </p>
      ) : (
        <Scroll label="Events">
          <table>
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Destination</th>
                <th scope="col">Became</th>
                <th scope="col">Why</th>
              </tr>
            </thead>
            <tbody>
              {shown.map(({ name, params }) => {
                const id = idOf(params['partition'], params['group'], params['address']);
                return (
                  <tr key={keyOf({ name, params })}>
                    <td>{params['time'] === undefined ? '' : moment(String(params['time']))}</td>
                    <td>
                      {id === undefined ? params['address'] : <a href={`#/destination/${id}`}>{params['address']}</a>}{' '}
                      <small>
                        {params['partition']} · set {params['group']}
                      </small>
                    </td>
                    <td>
                      {params['status'] === undefined ? (
                        name
                      ) : (
                        <State state={String(params['state'] ?? params['status'])} />
                      )}
                    </td>
                    <td>{[params['reason'], params['code'], params['cause']].filter(Boolean).join(' · ')}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </Scroll>
      )}
      {past !== undefined && (
        <div class="buttons">
          {past.before !== undefined && (
            <button type="button" disabled={reading} onClick={() => void read(past.before)}>
              {reading ? 'Reading' : 'Show older events'}
            </button>
          )}
          <span role="status">
            {all.length} read
            {past.before === undefined &&
              `, ${past.from === 'stream' ? 'all events of the stream' : 'all events that the node has kept'}`}
          </span>
        </div>
      )}
    </article>
  );
}

/** Joins live and loaded events; an event that is in both is shown once. */
function joined(live: readonly LiveEvent[], past: readonly LiveEvent[]): readonly LiveEvent[] {
  const known = new Set(live.map(keyOf));
  return [...live, ...past.filter((event) => !known.has(keyOf(event)))];
}

const keyOf = ({ params }: LiveEvent): string => String(params['id'] ?? JSON.stringify(params));
