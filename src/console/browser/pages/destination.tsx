import { useMemo, useState } from 'preact/hooks';
import { LIVE } from '../../server/wire.js';
import { destination, type Me, mi } from '../api.js';
import { Chart, Histogram } from '../chart.js';
import { count, millis, moment, percent, rate, span } from '../format.js';
import { Problem, reasonOf, Scroll, State, useLoaded, useStore } from '../parts.js';
import { SetState, StateButtons, type StateLetter } from '../set-state.js';
import { type Store, stateOf } from '../store.js';
import { CallTable, useCalls } from './calls.js';

const OUTCOMES = ['no reply', '1xx', '2xx', '3xx', '4xx', '5xx', '6xx'];

/** One destination: its history with reasons, and what an operator can do. */
export function DestinationPage({ store, me, id }: { readonly store: Store; readonly me: Me; readonly id: number }) {
  useStore(store);
  const row = store.rows.get(id);
  const { value, error, reload } = useLoaded(() => destination(id), `${id} ${row?.live[LIVE.since]}`, 5000);
  const [setting, setSetting] = useState<StateLetter>();
  const [message, setMessage] = useState<string>();
  const calls = useCalls(
    row === undefined ? undefined : { partition: row.info.partition, destination: row.info.uri, limit: 20 },
    5000,
  );
  const probeData = useMemo(() => {
    const points = value?.probes ?? [];
    return [points.map(([time]) => time / 1000), points.map(([, rtt]) => (rtt < 0 ? null : rtt))] as const;
  }, [value]);
  if (row === undefined) {
    return <Problem>{error ?? 'This destination does not exist, or no longer exists.'}</Problem>;
  }
  const { info, live } = row;
  const now = store.now();
  const probe = async () => {
    try {
      await mi('ds_probe', { group: `${info.partition}:${info.set}`, address: info.uri });
      setMessage('Probe sent.');
      setTimeout(reload, 1000);
    } catch (reason) {
      setMessage(reasonOf(reason));
    }
  };
  return (
    <article>
      <header class="title">
        <h1>{info.uri}</h1>
        <p>
          {info.partition} · set {info.set} · <State state={stateOf(row)} />
          {live[LIVE.since] > 0 && ` for ${span(now - live[LIVE.since])}`}
          {live[LIVE.why] !== '' && `: ${live[LIVE.why]}`}
        </p>
        {me.role !== 'viewer' && (
          <div class="buttons">
            <StateButtons choose={setSetting} />
            <button type="button" onClick={probe}>
              Probe now
            </button>
            <span role="status">{message}</span>
          </div>
        )}
      </header>
      {error !== undefined && <Problem>{error}</Problem>}
      <dl class="totals">
        <div>
          <dt>Calls a second</dt>
          <dd>{rate(row.rate)}</dd>
        </div>
        <div>
          <dt>Calls</dt>
          <dd>{count(live[LIVE.calls])}</dd>
        </div>
        <div>
          <dt>Answered</dt>
          <dd>{percent(live[LIVE.answered], live[LIVE.answered] + live[LIVE.failed])}</dd>
        </div>
        <div class={live[LIVE.failed] > 0 ? 'bad' : ''}>
          <dt>Failed here</dt>
          <dd>{count(live[LIVE.failed])}</dd>
        </div>
        <div>
          <dt>Went on elsewhere</dt>
          <dd>{count(live[LIVE.failovers])}</dd>
        </div>
        <div>
          <dt>In progress</dt>
          <dd>{count(live[LIVE.inProgress])}</dd>
        </div>
        <div>
          <dt>First reply p50, p95</dt>
          <dd>
            {millis(live[LIVE.firstP50])}, {millis(live[LIVE.firstP95])}
          </dd>
        </div>
      </dl>
      {value !== undefined && (
        <>
          <section>
            <h2>States</h2>
            {value.history.length === 0 ? (
              <p>As loaded; nothing has changed since the start.</p>
            ) : (
              <Scroll label="States">
                <table>
                  <thead>
                    <tr>
                      <th scope="col">When</th>
                      <th scope="col">State</th>
                      <th scope="col">Why</th>
                      <th scope="col">By</th>
                    </tr>
                  </thead>
                  <tbody>
                    {[...value.history].reverse().map((each) => (
                      <tr key={`${each.time} ${each.state}`}>
                        <td>
                          {moment(each.time)} <small>{span(now - each.time)} ago</small>
                        </td>
                        <td>
                          {each.previous} → <State state={each.state} />
                        </td>
                        <td>{[each.reason, each.code, each.cause].filter((x) => x !== undefined).join(' · ')}</td>
                        <td>{each.origin}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </Scroll>
            )}
          </section>
          <section>
            <h2>Probes</h2>
            {value.probes.length === 0 ? (
              <p>It was not probed.</p>
            ) : (
              <>
                <Chart
                  title="Round trip of the last probes; a gap is one without an answer"
                  data={probeData}
                  lines={[{ label: 'round trip', colour: '--accent' }]}
                  unit="ms"
                />
                <p>
                  Last: {moment(value.probes[value.probes.length - 1]?.[0] ?? 0)},{' '}
                  {value.probes[value.probes.length - 1]?.[2]}
                </p>
              </>
            )}
          </section>
          <section>
            <h2>Replies</h2>
            <ul class="outcomes">
              {value.outcomes.map((n, i) =>
                n === 0 ? null : (
                  <li key={OUTCOMES[i]}>
                    {OUTCOMES[i]}: <strong>{count(n)}</strong>
                  </li>
                ),
              )}
            </ul>
            <div class="columns">
              <Histogram title="Time to the first reply" bounds={value.bounds} counts={value.first} />
              <Histogram title="Time to the final reply" bounds={value.bounds} counts={value.final} />
            </div>
          </section>
        </>
      )}
      <section>
        <h2>Calls that tried it</h2>
        <CallTable calls={calls} />
      </section>
      <section>
        <h2>Row</h2>
        <table class="pairs">
          <tbody>
            {Object.entries(info)
              .filter(([name]) => name !== 'id')
              .map(([name, text]) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>{String(text)}</td>
                </tr>
              ))}
          </tbody>
        </table>
      </section>
      {value !== undefined && value.settings.length > 0 && (
        <section>
          <h2>Settings that apply</h2>
          <table class="pairs">
            <tbody>
              {value.settings.map(([name, text, source]) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>{text}</td>
                  <td>
                    <small>{source}</small>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {setting !== undefined && (
        <SetState
          rows={[info]}
          state={setting}
          onDone={() => {
            setSetting(undefined);
            reload();
          }}
        />
      )}
    </article>
  );
}
