import { useState } from 'preact/hooks';
import { mi } from '../api.js';
import { Problem, reasonOf } from '../parts.js';
import { TreeView } from './reload.js';

const EXAMPLE = {
  ruri: 'sip:bob@example.com',
  from: 'sip:alice@example.com',
  to: 'sip:bob@example.com',
  callid: 'a84b4c76e66710@pc33.example.com',
  source: '127.0.0.1',
};

/** Shows where a call would go and why. Nothing is sent. */
export function TryPage() {
  const [fields, setFields] = useState(EXAMPLE);
  const [raw, setRaw] = useState('');
  const [assumed, setAssumed] = useState({ states: '', partition: '', table: '' });
  const [answer, setAnswer] = useState<Parameters<typeof TreeView>[0]['value']>();
  const [problem, setProblem] = useState<string>();
  const ask = async (event: Event) => {
    event.preventDefault();
    setProblem(undefined);
    try {
      const text = raw.trim() === '' ? invite(fields) : raw.replace(/\r?\n/g, '\r\n').replace(/(\r\n)*$/, '\r\n\r\n');
      const given = Object.entries(assumed).filter(([, value]) => value.trim() !== '');
      setAnswer(await mi('explain', { request: text, source: fields.source, ...Object.fromEntries(given) }));
    } catch (error) {
      setAnswer(undefined);
      setProblem(reasonOf(error));
    }
  };
  return (
    <article>
      <h1>Try</h1>
      <p>Where a call would go and why, rule by rule and candidate by candidate. Nothing is sent.</p>
      <form onSubmit={ask} class="stack">
        <div class="tools">
          {Object.entries(fields).map(([name, value]) => (
            <label key={name}>
              {name}
              <input
                value={value}
                onInput={(e) => {
                  const text = e.currentTarget.value;
                  setFields((before) => ({ ...before, [name]: text }));
                }}
              />
            </label>
          ))}
        </div>
        <label>
          Or an INVITE as it came
          <textarea
            rows={6}
            value={raw}
            spellcheck={false}
            placeholder="INVITE sip:bob@example.com SIP/2.0&#10;Via: ..."
            onInput={(e) => setRaw(e.currentTarget.value)}
          />
        </label>
        <details>
          <summary>As if something were different</summary>
          <p>Tried on a copy: nothing changes for calls.</p>
          <label>
            States
            <input
              value={assumed.states}
              placeholder="sip:10.0.0.1:5060=inactive sip:10.0.0.2:5060=active"
              onInput={(e) => {
                const states = e.currentTarget.value;
                setAssumed((before) => ({ ...before, states }));
              }}
            />
          </label>
          <label>
            Partition with other rows
            <input
              value={assumed.partition}
              onInput={(e) => {
                const partition = e.currentTarget.value;
                setAssumed((before) => ({ ...before, partition }));
              }}
            />
          </label>
          <label>
            Its rows, as JSON
            <textarea
              rows={4}
              value={assumed.table}
              spellcheck={false}
              placeholder='[{"setid": 1, "destination": "sip:10.0.0.3:5060", "weight": 50}]'
              onInput={(e) => {
                const table = e.currentTarget.value;
                setAssumed((before) => ({ ...before, table }));
              }}
            />
          </label>
        </details>
        <div class="buttons">
          <button type="submit" class="main">
            Explain
          </button>
        </div>
      </form>
      {problem !== undefined && <Problem>{problem}</Problem>}
      {answer !== undefined && <TreeView value={answer} />}
    </article>
  );
}

function invite({ ruri, from, to, callid, source }: typeof EXAMPLE): string {
  return [
    `INVITE ${ruri} SIP/2.0`,
    `Via: SIP/2.0/UDP ${source}:5060;branch=z9hG4bKconsole`,
    'Max-Forwards: 70',
    `From: <${from}>;tag=console`,
    `To: <${to}>`,
    `Call-ID: ${callid}`,
    'CSeq: 1 INVITE',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
}
