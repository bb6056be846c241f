import type { ConfigurationTree } from '../../cfg/ast.js';
import type { Problems } from '../../cfg/problem.js';

/** Settings that a cfg file gives for its node in a cluster (module clusterer). */
export interface ClustererValues {
  /** `my_node_id` (`current_id` before 2.4), used as the node's name. */
  readonly node: string | undefined;
  /** From `sharing_tag`: "active" makes this node take the tag while no other node has it. */
  readonly tags: { readonly [tag: string]: { prefer: string[] } };
}

/** Reads clusterer's `my_node_id` and `sharing_tag` ("tag/cluster=active" or "tag/cluster=backup"). */
export function clustererValues(tree: ConfigurationTree, problems: Problems): ClustererValues {
  let node: string | undefined;
  const said: { tag: string; active: boolean }[] = [];
  for (const { module, name, value, at } of tree.moduleParameters) {
    if (module !== 'clusterer') continue;
    if (name === 'my_node_id' || name === 'current_id') node = String(value);
    if (name !== 'sharing_tag') continue;
    const [, tag, state] = /^\s*([A-Za-z0-9_-]{1,64})\s*\/\s*\d+\s*=\s*(active|backup)\s*$/.exec(String(value)) ?? [];
    if (tag === undefined) {
      problems.error('setting', at, `sharing_tag "${String(value)}" of clusterer is not TAG/CLUSTER=active or =backup`);
    } else said.push({ tag, active: state === 'active' });
  }
  const tags: { [tag: string]: { prefer: string[] } } = {};
  for (const { tag, active } of said) tags[tag] = { prefer: active && node !== undefined ? [node] : [] };
  return { node, tags };
}
