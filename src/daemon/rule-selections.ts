import type { PartitionConfig, RoutingRule, Settings } from '../config/settings.js';
import { parseRoutes } from '../engine/kamailio/select-routes.js';
import { parseSelectArguments } from '../engine/select-arguments.js';
import type { SelectTarget } from '../engine/selection.js';

/** The selection of a rule without pseudo-variables. */
export interface ConstantSelection {
  readonly partition: PartitionConfig;
  readonly targets: readonly SelectTarget[];
}

/** The selection of a rule, as known before any request; undefined if it has variables or is invalid. */
export function constantSelection(
  rule: Pick<RoutingRule, 'select'>,
  settings: Settings,
): ConstantSelection | undefined {
  const { select } = rule;
  if (select === undefined) return undefined;
  const { set, alg, flags, partition, maxRes, rules } = select;
  if ([set, alg, flags, partition, maxRes, rules].some((text) => text?.includes('$'))) return undefined;
  const find = (name: string) => {
    const wanted = name === '' || name === 'default' ? (settings.defaultPartition ?? name) : name;
    return settings.partitions.find((each) => each.name === wanted);
  };
  if (rules !== undefined) {
    const owner = find(partition ?? '');
    return owner && { partition: owner, targets: parseRoutes(rules, 0, 0).targets };
  }
  const given = parseSelectArguments({ set, alg, flags, partition, maxResults: maxRes });
  if (typeof given === 'string') return undefined;
  const owner = find(given.partition);
  return owner && { partition: owner, targets: given.targets };
}
