import { type Algorithm, FLAG, MISSING_INPUT, type SelectEnv } from '../algorithms/algorithm.js';
import { type CompiledSet, NONE } from '../compiled-set.js';
import type { Destination } from '../destination.js';
import { NO_TARGETS, RestOfRanking, RestOfSet } from '../failover.js';
import type { PartitionOptions } from '../options.js';
import type { RequestView } from '../request-view.js';
import type { Choice, SelectFailure, SelectTarget } from '../selection.js';
import type { Snapshot } from '../set.js';
import { first } from './algorithms/first.js';
import { algorithmOf, unknownAlgorithm } from './algorithms/list.js';

/** Selects in one set, advances its round robin and counts the hit. Returns a text when nothing can be selected. */
export function chooseOpensips(
  snapshot: Snapshot,
  partition: PartitionOptions,
  target: SelectTarget,
  request: RequestView,
  env: SelectEnv,
): Choice | SelectFailure {
  const set = snapshot.sets.get(target.setId) as CompiledSet | undefined;
  if (set === undefined || set.destinations.length === 0) return 'no such set';
  if (set.shared === undefined) return chooseIn(set, partition, target, request, env);
  set.enter();
  try {
    return chooseIn(set, partition, target, request, env);
  } finally {
    set.leave();
  }
}

function chooseIn(
  set: CompiledSet,
  partition: PartitionOptions,
  target: SelectTarget,
  request: RequestView,
  env: SelectEnv,
): Choice | SelectFailure {
  const size = set.destinations.length;
  if (set.activeBefore(size) === 0) return 'no active destination';

  const { flags } = target;
  let algorithm = algorithmOf(target.algorithm);
  if (algorithm === undefined) {
    const strict = partition.compat === 'strict';
    env.warn(partition.name, unknownAlgorithm(target.algorithm, strict));
    if (!strict) return 'unknown algorithm';
    algorithm = first;
  }
  if (algorithm.ranks === true) return chooseRanked(partition, set, algorithm, target, request);

  const useDefault = (flags & FLAG.useDefault) !== 0 && size > 1;
  const end = useDefault ? size - 1 : size;
  let chosen = algorithm.choose(set, request, end, flags, partition, env);
  if (chosen === MISSING_INPUT) return 'nothing to hash';
  if (chosen === NONE && useDefault && set.isActive(size - 1)) chosen = size - 1;
  if (chosen === NONE) return 'no active destination';

  const destination = taken(set, chosen, algorithm);
  if ((flags & FLAG.failover) === 0) return { destination, rest: NO_TARGETS, count: 0 };
  const others = set.activeBefore(end) - (chosen < end ? 1 : 0);
  // When the default destination itself is chosen, it does not count toward max_res (recorded).
  const room = chosen < end ? target.maxResults - 1 : target.maxResults;
  const kept = Math.max(0, Math.min(room, others));
  const last = useDefault && chosen !== size - 1 ? size - 1 : NONE;
  const count = 1 + kept + (last === NONE ? 0 : 1);
  if (algorithm.order === undefined) return { destination, rest: new RestOfSet(set, chosen, end, kept, last), count };
  const ranking = () => algorithm.order?.(set, request, end, partition) ?? NO_POSITIONS;
  return { destination, rest: new RestOfRanking(set, ranking, chosen, kept, last), count };
}

const NO_POSITIONS = new Int32Array(0);

/** For algorithms that rank all candidates to find the best. */
function chooseRanked(
  partition: PartitionOptions,
  set: CompiledSet,
  algorithm: Algorithm,
  target: SelectTarget,
  request: RequestView,
): Choice | SelectFailure {
  const size = set.destinations.length;
  const useDefault = (target.flags & FLAG.useDefault) !== 0;
  const end = useDefault ? size - 1 : size;
  const order = algorithm.order?.(set, request, end, partition) ?? NO_POSITIONS;
  let chosen = order[0] ?? NONE;
  // OpenSIPS does not fall back on the default here, so with flag d every call to a set of one destination fails.
  if (chosen === NONE && useDefault && partition.compat !== 'strict' && set.isActive(size - 1)) {
    chosen = size - 1;
  }
  if (chosen === NONE) return 'no active destination';

  const destination = taken(set, chosen, algorithm);
  if ((target.flags & FLAG.failover) === 0) return { destination, rest: NO_TARGETS, count: 0 };
  const kept = Math.max(0, Math.min(target.maxResults - 1, order.length - 1));
  const last = useDefault && chosen !== size - 1 ? size - 1 : NONE;
  const count = 1 + kept + (last === NONE ? 0 : 1);
  return { destination, rest: new RestOfRanking(set, order, chosen, kept, last), count };
}

function taken(set: CompiledSet, position: number, algorithm: Algorithm): Destination {
  const destination = set.destinations[position] as Destination;
  // After a ranking, round robin continues at the first position and not at the chosen one (recorded).
  set.last = algorithm.ranks === true ? 0 : position;
  if (algorithm.countsChoices === true) set.countChoice(position);
  set.countHit(position);
  return destination;
}
