import { useEffect, useState } from 'preact/hooks';
import type { CallEntry as Call } from '../../../calls/call-entry-types.js';
import { type Me, mi } from '../api.js';
import { millis, moment, span } from '../format.js';
import { Problem, reasonOf, Scroll, useLoaded } from '../parts.js';
import { type LadderMessage, Ladders } from './ladder.js';

/** The last calls, or why they cannot be shown. */
export interface Calls {
  readonly calls: readonly Call[] | undefined;
  readonly error: string | undefined;
}

type Filter = Readonly<Record<string, string | number>>;

/** Loads the newest matching calls every `everyMs`. Without a filter nothing is loaded. */
export function useCalls(filter: Filter | undefined, everyMs: number): Calls {
  const key = JSON.stringify(filter);
  const { value, error } = useLoaded(
    async () =>
      filter === undefined
        ? { Calls: [] }
        : await mi<{ Calls?: readonly Call[]; calls?: readonly Call[] }>('calls_list', filter),
    key,
    everyMs,
  );
  return { calls: value === undefined ? undefined : [...(value.Calls ?? value.calls ?? [])].reverse(), error };
}

const FIELDS = [
  ['from', 'Caller'],
  ['to', 'Callee'],
  ['call_id', 'Call-ID'],
  ['destination', 'Destination'],
  ['code', 'Code'],
] as const;

/** The last calls with their attempts, and a filter. */
export function CallsPage({ me }: { readonly me: Me }) {
  const [text, setText] = useState<Readonly<Record<string, string>>>({});
  const [filter, setFilter] = useState<Filter>({ limit: 200 });
  useEffect(() => {
    const timer = setTimeout(() => {
      const given = Object.entries(text).filter(([, value]) => value.trim() !== '');
      setFilter({ limit: 200, ...Object.fromEntries(given.map(([name, value]) => [name, value.trim()])) });
    }, 300);
    return () => clearTimeout(timer);
  }, [text]);
  const calls = useCalls(filter, 2000);
  return (
    <article>
      <h1>Calls</h1>
      <div class="tools">
        {FIELDS.map(([name, label]) => (
          <label key={name}>
            {label}
            <input
              value={text[name] ?? ''}
              onInput={(e) => {
                const { value } = e.currentTarget;
                setText((before) => ({ ...before, [name]: value }));
              }}
            />
          </label>
        ))}
      </div>
      {me.role === 'admin' && <TraceForm />}
      <CallTable calls={calls} />
    </article>
  );
}

/** A table of calls; each can be opened to show its attempts. */
export function CallTable({ calls: { calls, error } }: { readonly calls: Calls }) {
  const [open, setOpen] = useState<number>();
  if (error !== undefined) return <Problem>{error}</Problem>;
  if (calls === undefined) return <p class="empty">Loading.</p>;
  if (calls.length === 0) return <p class="empty">No calls.</p>;
  return (
    <Scroll label="Calls">
      <table>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Caller</th>
            <th scope="col">Callee</th>
            <th scope="col">Went to</th>
            <th scope="col">Result</th>
            <th scope="col">Rang</th>
            <th scope="col">Lasted</th>
          </tr>
        </thead>
        <tbody>
          {calls.map((call) => [
            <tr key={call.seq} class={call.code >= 300 ? 'failed' : ''}>
              <td>
                <button
                  type="button"
                  class="link"
                  aria-expanded={open === call.seq}
                  onClick={() => setOpen(open === call.seq ? undefined : call.seq)}
                >
                  {moment(call.time)}
                </button>
              </td>
              <td>{call.from}</td>
              <td>{call.to}</td>
              <td>{call.tries.map((each) => each.destination).join(' → ') || '–'}</td>
              <td>{result(call)}</td>
              <td>{call.ring_ms === undefined ? '–' : millis(call.ring_ms)}</td>
              <td>
                {call.in_progress
                  ? 'goes on'
                  : call.duration_ms === undefined
                    ? '–'
                    : `${span(call.duration_ms)}${call.hung_up === undefined ? '' : `, ended by ${call.hung_up}`}`}
              </td>
            </tr>,
            open === call.seq && (
              <tr key={`${call.seq} tries`}>
                <td colSpan={7}>
                  <Ladder call={call} />
                </td>
              </tr>
            ),
          ])}
        </tbody>
      </table>
    </Scroll>
  );
}

function result(call: Call): string {
  const failed = call.reason === undefined ? '' : ` ${call.reason}`;
  return call.cancelled ? `${call.code} cancelled` : `${call.code}${failed}`;
}

/** The attempts in order: an arrow for each request and its result. */
function Ladder({ call }: { readonly call: Call }) {
  return (
    <div class="ladder">
      <p>
        {call.method} {call.ruri} · Call-ID <code>{call.call_id}</code> · from {call.source}
        {call.rule !== undefined && ` · ${call.rule}`}
        {call.partition !== undefined && ` · ${call.partition} set ${(call.sets ?? []).join()}`}
        {call.algorithm !== undefined && ` · algorithm ${call.algorithm}`}
      </p>
      <ol>
        {call.tries.map((each) => (
          <li key={`${each.destination} ${each.after_ms}`}>
            <span>after {millis(each.after_ms)}</span>
            <span class="arrow">→ {each.destination}</span>
            <span class={each.code !== undefined && each.code < 300 ? 'good' : 'bad'}>
              ← {each.code ?? 'nothing'}
              {each.local && ' (ours)'} {each.cause}
            </span>
            <span>
              {each.first_ms !== undefined && `first reply ${millis(each.first_ms)}, `}
              {each.ms !== undefined && `final ${millis(each.ms)}`}
            </span>
          </li>
        ))}
        <li>
          <span>after {millis(call.ms)}</span>
          <span class="arrow">to the caller</span>
          <span class={call.code < 300 ? 'good' : 'bad'}>← {result(call)}</span>
        </li>
      </ol>
    </div>
  );
}

/** Seconds a trace from this page lasts, and milliseconds between two requests for its messages. */
const TRACE_SECONDS = 60;
const LOOK_EVERY = 1000;

interface TraceAnswer {
  readonly ended: string | null;
  readonly Messages: readonly LadderMessage[];
}

/** Starts a trace for a filter, limited in time, and shows its messages as they come. */
function TraceForm() {
  const [from, setFrom] = useState('');
  const [id, setId] = useState<number>();
  const [messages, setMessages] = useState<readonly LadderMessage[]>([]);
  const [note, setNote] = useState<string>();
  useEffect(() => {
    if (id === undefined) return;
    let after = 0;
    const timer = setInterval(async () => {
      try {
        const answer = await mi<TraceAnswer>('trace_get', { id, after });
        const more = answer.Messages.filter(({ n }) => n > after);
        after = more.at(-1)?.n ?? after;
        if (more.length > 0) setMessages((before) => [...before, ...more]);
        if (answer.ended === null || more.length > 0) return;
        setNote('The trace has ended.');
      } catch (error) {
        setNote(reasonOf(error));
      }
      clearInterval(timer);
    }, LOOK_EVERY);
    return () => {
      clearInterval(timer);
      // The page was left, so the trace is not needed any more.
      mi('trace_stop', { id }).catch(() => {});
    };
  }, [id]);
  const start = async (event: Event) => {
    event.preventDefault();
    try {
      const answer = await mi<{ id: number }>('trace_start', {
        from,
        seconds: TRACE_SECONDS,
        calls: 20,
        messages: 1000,
      });
      setMessages([]);
      setId(answer.id);
      setNote('Tracing for a minute.');
    } catch (error) {
      setNote(reasonOf(error));
    }
  };
  return (
    <details>
      <summary>Trace</summary>
      <form class="tools" onSubmit={start}>
        <label>
          Calls from
          <input value={from} required onInput={(e) => setFrom(e.currentTarget.value)} />
        </label>
        <button type="submit">Trace for a minute</button>
        <span role="status">{note}</span>
      </form>
      <Ladders messages={messages} />
    </details>
  );
}
