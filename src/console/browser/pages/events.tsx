import { useState } from 'preact/hooks';
import { moment } from '../format.js';
import { State, useStore } from '../parts.js';
import type { Store } from '../store.js';

/** Events as they are published, newest first. */
export function EventsPage({ store }: { readonly store: Store }) {
  useStore(store);
  const [search, setSearch] = useState('');
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = store.events.filter(({ params }) => {
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
      {shown.length === 0 ? (
        <p class="empty">{store.events.length === 0 ? 'None since this page was opened.' : 'Nothing matches.'}</p>
      ) : (
        <div class="scroll">
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
                  <tr key={String(params['id'] ?? JSON.stringify(params))}>
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
        </div>
      )}
    </article>
  );
}
