import { mi } from '../api.js';
import { moment } from '../format.js';
import { Problem, Scroll, useLoaded, useStore } from '../parts.js';
import type { Store } from '../store.js';

interface AuditRecord {
  readonly seq: number;
  readonly time: string;
  readonly user?: string;
  readonly endpoint: string;
  readonly peer: string;
  readonly command: string;
  readonly params: string;
  readonly partition?: string;
  readonly result: string;
  readonly error?: string;
  readonly changes?: readonly string[];
}

/** The audit trail: who changed what, and what was refused. */
export function AuditPage({ store }: { readonly store: Store }) {
  useStore(store);
  const { value, error } = useLoaded(
    () => mi<{ Records?: readonly AuditRecord[]; records?: readonly AuditRecord[] }>('audit_list', {}),
    store.audit.length,
    10_000,
  );
  const records = [...(value?.Records ?? value?.records ?? [])].sort((a, b) => b.seq - a.seq);
  return (
    <article>
      <h1>Audit</h1>
      {error !== undefined && <Problem>{error}</Problem>}
      {value !== undefined && records.length === 0 && (
        <p class="empty">Nothing was changed or refused since the start.</p>
      )}
      {records.length > 0 && (
        <Scroll label="Audit records">
          <table>
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Who</th>
                <th scope="col">Command</th>
                <th scope="col">Result</th>
                <th scope="col">Changed</th>
              </tr>
            </thead>
            <tbody>
              {records.map((record) => (
                <tr key={record.seq} class={record.result === 'ok' ? '' : 'failed'}>
                  <td>{moment(record.time)}</td>
                  <td>
                    {record.user ?? '–'}{' '}
                    <small>
                      {record.endpoint} {record.peer}
                    </small>
                  </td>
                  <td>
                    {record.command} <small>{record.params}</small>
                  </td>
                  <td>
                    {record.result} <small>{record.error}</small>
                  </td>
                  <td>{(record.changes ?? []).join(', ')}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </article>
  );
}
