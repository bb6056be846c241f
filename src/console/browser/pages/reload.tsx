import { useState } from 'preact/hooks';
import { type Me, mi } from '../api.js';
import { counted } from '../format.js';
import { Problem, reasonOf, useStore } from '../parts.js';
import type { Store } from '../store.js';

type Tree = null | string | number | boolean | readonly Tree[] | { readonly [name: string]: Tree };

/** Shows what a reload would change, and can do it. */
export function ReloadPage({ store, me }: { readonly store: Store; readonly me: Me }) {
  useStore(store);
  const [partition, setPartition] = useState('');
  const [keep, setKeep] = useState(true);
  const [found, setFound] = useState<Tree>();
  const [message, setMessage] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const [busy, setBusy] = useState(false);
  const params = { ...(partition === '' ? {} : { partition }), inherit_state: keep ? 1 : 0 };
  const run = async (dry: boolean) => {
    setBusy(true);
    setProblem(undefined);
    setMessage(undefined);
    try {
      const answer = await mi<Tree>('ds_reload', { ...params, ...(dry ? { dry_run: 1 } : { report: 1 }) });
      setFound(answer);
      setMessage(dry ? 'This is what a reload would change.' : 'Reloaded.');
    } catch (error) {
      setFound(undefined);
      setProblem(reasonOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <article>
      <h1>Reload</h1>
      <div class="tools">
        <label>
          Partition
          <select value={partition} onChange={(e) => setPartition(e.currentTarget.value)}>
            <option value="">All</option>
            {store.partitions.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label class="check">
          <input type="checkbox" checked={keep} onChange={(e) => setKeep(e.currentTarget.checked)} /> Destinations keep
          their state
        </label>
        <button type="button" disabled={busy} onClick={() => run(true)}>
          Compare
        </button>
        {me.role !== 'viewer' && (
          <button type="button" class="main" disabled={busy || found === undefined} onClick={() => run(false)}>
            Apply
          </button>
        )}
      </div>
      {problem !== undefined && <Problem>{problem}</Problem>}
      <p role="status">{message}</p>
      {found !== undefined && <Difference value={found} />}
    </article>
  );
}

interface Listed {
  readonly count: number;
  readonly list: readonly string[];
}

interface PartitionDifference {
  readonly name: string;
  readonly loaded?: number;
  readonly error?: string;
  readonly added?: Listed;
  readonly removed?: Listed;
  readonly changed?: Listed;
  readonly discarded?: Listed;
}

const KINDS = [
  ['added', 'new'],
  ['removed', 'gone'],
  ['changed', 'changed'],
  ['discarded', 'left out'],
] as const;

/** The differences in the answer of ds_reload for each partition; any other answer is shown as it is. */
function Difference({ value }: { readonly value: Tree }) {
  const partitions = (value as { PARTITIONS?: readonly PartitionDifference[] } | null)?.PARTITIONS;
  if (!Array.isArray(partitions)) return <TreeView value={value} />;
  return (
    <>
      {partitions.map((each: PartitionDifference) => {
        const kinds = KINDS.filter(([kind]) => (each[kind]?.count ?? 0) > 0);
        return (
          <section key={each.name} class="card">
            <h2>{each.name}</h2>
            {each.error !== undefined && <Problem>{each.error}</Problem>}
            {each.error === undefined && kinds.length === 0 && (
              <p>{counted(each.loaded ?? 0, 'destination')}, no difference.</p>
            )}
            {kinds.map(([kind, label]) => (
              <div key={kind}>
                <h3>
                  {each[kind]?.count} {label}
                </h3>
                <TreeView value={(each[kind]?.list ?? []) as Tree} />
              </div>
            ))}
          </section>
        );
      })}
    </>
  );
}

/** The answer of any management command as nested lists. */
export function TreeView({ value }: { readonly value: Tree }) {
  if (value === null || typeof value !== 'object') return <span>{String(value)}</span>;
  if (Array.isArray(value)) {
    if (value.length === 0) return <span class="muted">none</span>;
    return (
      <ul class="tree">
        {value.map((each, i) => (
          <li key={i}>
            <TreeView value={each as Tree} />
          </li>
        ))}
      </ul>
    );
  }
  return (
    <table class="pairs">
      <tbody>
        {Object.entries(value).map(([name, each]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>
              <TreeView value={each as Tree} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
