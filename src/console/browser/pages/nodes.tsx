import { useState } from 'preact/hooks';
import { type Me, mi } from '../api.js';
import { count, millis } from '../format.js';
import { Confirm, Problem, Scroll, useLoaded } from '../parts.js';

/** A node in the answer of cluster_list; for a node that is gone, only what is still known. */
interface Node {
  readonly node_id: string;
  readonly link_state: string;
  readonly state: string;
  readonly self?: boolean;
  readonly last_heard_ms?: number;
  readonly version?: string;
  readonly zone?: string;
  readonly host?: string;
  readonly weight?: number;
  readonly probes?: number;
  readonly tags?: readonly string[];
  readonly reloads?: Readonly<Record<string, string>>;
  readonly rows_differ?: readonly string[];
}

interface Tag {
  readonly Tag: string;
  readonly State: string;
  readonly active_on: string | null;
}

/** An action, and its consequences in words. */
interface Action {
  readonly title: string;
  readonly text: string;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

async function load(): Promise<{ readonly nodes: readonly Node[]; readonly tags: readonly Tag[] }> {
  const [list, tags] = await Promise.all([
    mi<{ Clusters: readonly { Nodes: readonly Node[] }[] }>('cluster_list'),
    mi<readonly Tag[]>('cluster_list_shtags'),
  ]);
  return { nodes: list.Clusters.flatMap(({ Nodes }) => Nodes), tags };
}

/** The nodes of the cluster and the sharing tags, as this node knows them. */
export function NodesPage({ me }: { readonly me: Me }) {
  const { value, error, reload } = useLoaded(load, '', 2000);
  const [action, setAction] = useState<Action>();
  const done = () => {
    setAction(undefined);
    reload();
  };
  return (
    <article>
      <h1>Nodes</h1>
      {error !== undefined && <Problem>{error}</Problem>}
      {value !== undefined && <NodeTable nodes={value.nodes} me={me} onAction={setAction} />}
      {value !== undefined && value.tags.length > 0 && <TagTable tags={value.tags} me={me} onAction={setAction} />}
      {action !== undefined && (
        <Confirm
          title={action.title}
          action={async () => {
            const answer = await mi<string>(action.method, action.params);
            return answer.startsWith('OK, ') ? answer.slice(4) : undefined;
          }}
          onDone={done}
        >
          <p>{action.text}</p>
        </Confirm>
      )}
    </article>
  );
}

interface TableProps {
  readonly me: Me;
  readonly onAction: (action: Action) => void;
}

function NodeTable({ nodes, me, onAction }: TableProps & { readonly nodes: readonly Node[] }) {
  return (
    <Scroll label="Nodes">
      <table>
        <thead>
          <tr>
            <th scope="col">Node</th>
            <th scope="col">State</th>
            <th scope="col">Last heartbeat</th>
            <th scope="col">Probes</th>
            <th scope="col">Version</th>
            <th scope="col">Tags</th>
            <th scope="col">Remarks</th>
            <th scope="col">Actions</th>
          </tr>
        </thead>
        <tbody>
          {nodes.map((node) => (
            <tr key={node.node_id}>
              <th scope="row">
                {node.node_id}
                {node.self === true && ' (this one)'}
              </th>
              <td>
                <span class={`state ${lookOf(node)}`}>{node.state}</span>
              </td>
              <td>{node.self === true ? '–' : millis(node.last_heard_ms ?? -1)}</td>
              <td>{node.probes === undefined ? '–' : count(node.probes)}</td>
              <td>{node.version ?? '–'}</td>
              <td>{(node.tags ?? []).join(', ') || '–'}</td>
              <td>{remarksOn(node).join('; ') || '–'}</td>
              <td>
                <NodeAction node={node} me={me} onAction={onAction} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function NodeAction({ node, me, onAction }: TableProps & { readonly node: Node }) {
  const name = node.node_id;
  if (node.self === true && me.role !== 'viewer' && (node.state === 'ready' || node.state === 'draining')) {
    const on = node.state === 'ready';
    const action = {
      title: on ? `Drain ${name}` : `Let ${name} take part again`,
      text: on
        ? `${name} gives up probing and its tags, and goes on routing.`
        : `${name} takes its share of the probes.`,
      method: 'cluster_drain',
      params: { on: on ? 1 : 0 },
    };
    return (
      <button type="button" onClick={() => onAction(action)}>
        {on ? 'Drain' : 'Take part again'}
      </button>
    );
  }
  if (node.state === 'gone' && me.role === 'admin') {
    const action = {
      title: `Forget ${name}`,
      text: `${name} is not listed any more until it joins again.`,
      method: 'cluster_forget',
      params: { node: name },
    };
    return (
      <button type="button" onClick={() => onAction(action)}>
        Forget
      </button>
    );
  }
  return <>–</>;
}

function TagTable({ tags, me, onAction }: TableProps & { readonly tags: readonly Tag[] }) {
  return (
    <>
      <h2>Sharing tags</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">Tag</th>
            <th scope="col">Active on</th>
            <th scope="col">Here</th>
            <th scope="col">Actions</th>
          </tr>
        </thead>
        <tbody>
          {tags.map(({ Tag: tag, State: state, active_on: holder }) => (
            <tr key={tag}>
              <th scope="row">{tag}</th>
              <td>{holder ?? 'no node'}</td>
              <td>{state}</td>
              <td>
                {state === 'active' || me.role === 'viewer' ? (
                  '–'
                ) : (
                  <button
                    type="button"
                    onClick={() =>
                      onAction({
                        title: `Take ${tag} over`,
                        text: `This node becomes the active node of ${tag}, which is ${holder ?? 'no node'} now. A virtual address is not moved.`,
                        method: 'cluster_shtag_set_active',
                        params: { tag },
                      })
                    }
                  >
                    Make active here
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/** The destination state whose colour is used to show a node's state. */
function lookOf({ state }: Node): string {
  if (state === 'ready') return 'active';
  return state === 'joining' || state === 'draining' ? 'probing' : 'inactive';
}

function remarksOn({ rows_differ: differ = [], reloads = {}, weight, zone, host }: Node): string[] {
  const behind = Object.entries(reloads).filter(([, text]) => text.startsWith('behind'));
  return [
    ...differ.map((partition) => `other rows of ${partition}`),
    ...behind.map(([partition, text]) => `reload of ${partition} ${text}`),
    ...(weight === undefined || weight === 1 ? [] : [`weight ${weight}`]),
    ...(zone === undefined ? [] : [`zone ${zone}`]),
    ...(host === undefined ? [] : [host]),
  ];
}
