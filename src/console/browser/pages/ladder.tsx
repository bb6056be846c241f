import { Scroll } from '../parts.js';

/** A message of a trace, from trace_get. */
export interface LadderMessage {
  readonly n: number;
  readonly time: number;
  readonly direction: 'in' | 'out';
  readonly transport: string;
  readonly remote: { readonly address: string; readonly port: number };
  readonly call_id: string;
  readonly text: string;
}

const US = 'switchyard';
/** Peers with a column of their own; further ones share the last. */
const MAX_PEERS = 5;

/**
 * The messages of each call as a ladder: a column for each peer and for us, an arrow for each message, whose text can
 * be opened.
 */
export function Ladders({ messages }: { readonly messages: readonly LadderMessage[] }) {
  const calls = new Map<string, LadderMessage[]>();
  for (const message of messages) {
    const call = calls.get(message.call_id);
    if (call === undefined) calls.set(message.call_id, [message]);
    else call.push(message);
  }
  return (
    <>
      {[...calls].map(([id, call]) => (
        <Ladder key={id} id={id} messages={call} />
      ))}
    </>
  );
}

function Ladder({ id, messages }: { readonly id: string; readonly messages: readonly LadderMessage[] }) {
  const peers = [...new Set(messages.map(peerOf))].slice(0, MAX_PEERS);
  const columns = [...peers.slice(0, 1), US, ...peers.slice(1)];
  const began = messages[0]?.time ?? 0;
  const grid = { gridTemplateColumns: `4rem repeat(${columns.length}, minmax(6rem, 1fr))` };
  return (
    <section class="rungs" aria-label={`Messages of call ${id}`}>
      <h3>{id}</h3>
      <Scroll label="Messages">
        <div class="rung heads" style={grid} aria-hidden="true">
          <span />
          {columns.map((each) => (
            <span key={each}>{each}</span>
          ))}
        </div>
        <ol>
          {messages.map((message) => {
            const at = Math.max(columns.indexOf(peerOf(message)), 0);
            const us = columns.indexOf(US);
            const toRight = (message.direction === 'in') === at < us;
            const span = { gridColumn: `${Math.min(at, us) + 2} / ${Math.max(at, us) + 3}` };
            const [from, to] = message.direction === 'in' ? [peerOf(message), US] : [US, peerOf(message)];
            return (
              <li key={message.n}>
                <details>
                  <summary class="rung" style={grid}>
                    <span>{((message.time - began) / 1000).toFixed(3)}</span>
                    <span class={toRight ? 'arrow right' : 'arrow left'} style={span}>
                      {titleOf(message.text)}
                      <span class="hidden">
                        {' '}
                        from {from} to {to}
                      </span>
                    </span>
                  </summary>
                  <pre>{message.text}</pre>
                </details>
              </li>
            );
          })}
        </ol>
      </Scroll>
    </section>
  );
}

function peerOf({ remote }: LadderMessage): string {
  return `${remote.address.includes(':') ? `[${remote.address}]` : remote.address}:${remote.port}`;
}

/** "INVITE sip:bob@example.com" or "200 OK" */
function titleOf(text: string): string {
  const line = text.split('\r\n', 1)[0] ?? '';
  return (line.startsWith('SIP/2.0 ') ? line.slice(8) : line.replace(/ SIP\/2\.0$/, '')).slice(0, 80);
}
