import { FLAG, UNCOMPUTABLE } from '../algorithms/algorithm.js';
import { OWN_ALGORITHMS } from '../algorithms/list.js';
import { type CompiledSet, NONE } from '../compiled-set.js';
import type { Destination } from '../destination.js';
import { GivenTargets, NO_TARGETS, RestOfRanking, RestOfSet, type Targets } from '../failover.js';
import type { Partition } from '../partition.js';
import type { RequestView } from '../request-view.js';
import type { Choice, SelectFailure, SelectTarget } from '../select.js';
import type { KamailioAlgorithm } from './algorithms/algorithm.js';
import { serial } from './algorithms/in-order.js';
import { kamailioAlgorithm } from './algorithms/list.js';
import type { KamailioAttributes } from './attributes.js';
import type { TrackedCall } from './call-ledger.js';
import type { KamailioPartition } from './options.js';
import { planOf, type SetPlan } from './set-plan.js';

/** Branches of one request at most, its own target not counted (recorded). */
export const MOST_BRANCHES = 11;

const CALL_LOAD = 10;
const PARALLEL = 12;
const LATENCY = 13;

/**
 * Chooses in one set by Kamailio's rules. `before`: targets already kept by earlier sets of one ds_select_routes; the
 * limit counts them, yet the chosen destination is always kept. A string says why there is no choice.
 */
export function chooseKamailio(
  partition: Partition,
  kamailio: KamailioPartition,
  target: SelectTarget,
  request: RequestView,
  before = 0,
): Choice | SelectFailure {
  const set = partition.snapshot.sets.get(target.setId) as CompiledSet | undefined;
  if (set === undefined || set.destinations.length === 0) return 'no such set';
  const size = set.destinations.length;
  if (set.activeBefore(size) === 0) return 'no active destination';

  const { options } = kamailio;
  const flags = target.flags;
  const useDefault = size > 1 && (options.useDefault || (flags & FLAG.useDefault) !== 0);
  const end = useDefault ? size - 1 : size;
  const plan = planOf(set, partition.options.compat === 'strict');
  const userOnly = (flags & FLAG.userOnly) !== 0 || (options.flags & 1) !== 0;
  const algorithm = algorithmOf(target.algorithm, plan, kamailio);
  const candidate = algorithm.choose(plan, request, end, userOnly, kamailio);
  if (candidate === UNCOMPUTABLE) return 'nothing to hash';
  if (candidate === NONE) return 'all destinations are full';
  let chosen = set.stepToActive(candidate, end);
  if (chosen === NONE) chosen = useDefault && set.isActive(size - 1) ? size - 1 : NONE;
  if (chosen === NONE) return 'no active destination';

  const destination = set.destinations[chosen] as Destination;
  destination.health.hits++;
  const failover = (flags & FLAG.failover) !== 0 || (options.flags & 2) !== 0;
  const limit = target.maxResults > 0 ? target.maxResults - before : Number.POSITIVE_INFINITY;
  const call = algorithm.code === CALL_LOAD ? track(plan, chosen, request, kamailio, failover ? limit : 1) : undefined;
  if (call === 'leaked') return 'no active destination';
  if (algorithm.code === PARALLEL) {
    return { destination, rest: NO_TARGETS, count: 0, branches: branchesAfter(plan, chosen) };
  }
  if (!failover) return { destination, rest: NO_TARGETS, count: 0, call };
  if (algorithm.code === LATENCY && plan.strict && useDefault) return recordedLatency(plan, chosen, limit);

  const others = set.activeBefore(end) - (chosen < end ? 1 : 0);
  const kept = Math.max(0, Math.min(limit - 1, others));
  const last = useDefault && chosen !== size - 1 && limit > 1 + kept ? size - 1 : NONE;
  const count = 1 + kept + (last === NONE ? 0 : 1);
  const rest = restOf({ plan, algorithm, chosen, end, kept, last }, request, kamailio);
  return { destination, rest, count, call };
}

function algorithmOf(code: number, plan: SetPlan, kamailio: KamailioPartition): KamailioAlgorithm {
  const known = kamailioAlgorithm(code, plan.strict) ?? OWN.get(code);
  if (known !== undefined) return known;
  kamailio.warn(kamailio.partition.name, `algorithm ${code} is not known: the first active destination is taken`);
  return serial;
}

/** Our own algorithms serve either flavour. */
const OWN: ReadonlyMap<number, KamailioAlgorithm> = new Map(
  OWN_ALGORITHMS.map((own): [number, KamailioAlgorithm] => [
    own.code,
    {
      code: own.code,
      name: own.name,
      choose: (plan, request, end, userOnly, env) => {
        const chosen = own.choose(plan.set, request, end, userOnly ? FLAG.userOnly : 0, env.partition, env);
        return chosen === NONE ? 0 : chosen;
      },
      order: (plan, chosen, end, request, env) =>
        own.order?.(plan.set, request, end, env.partition) ?? Int32Array.of(chosen),
    },
  ]),
);

/** The rest of a set after the chosen position: by the algorithm's own order, or in order of position. */
function restOf(
  choice: { plan: SetPlan; algorithm: KamailioAlgorithm; chosen: number; end: number; kept: number; last: number },
  request: RequestView,
  kamailio: KamailioPartition,
): Targets {
  const { plan, algorithm, chosen, end, kept, last } = choice;
  if (algorithm.order === undefined || chosen >= end) return new RestOfSet(plan.set, chosen, end, kept, last);
  // The next choice by latency makes a ranking of its own; the others can be had again when a call fails over.
  const order =
    algorithm.code === LATENCY
      ? plan.latencyOrder
      : () => algorithm.order?.(plan, chosen, end, request, kamailio) ?? Int32Array.of(chosen);
  return new RestOfRanking(plan.set, order, chosen, kept, last);
}

/** All others of the set that are up; in a strict partition those behind the chosen one, up or not, as recorded. */
function branchesAfter(plan: SetPlan, chosen: number): readonly Destination[] {
  const branches: Destination[] = [];
  const { set } = plan;
  for (let i = chosen + 1; i < set.destinations.length && branches.length < MOST_BRANCHES; i++) {
    if (plan.strict || set.isActive(i)) branches.push(set.destinations[i] as Destination);
  }
  return branches;
}

/**
 * Counts the call for its destination. In a strict partition, as recorded: a Call-ID that is there already and a
 * destination without duid count nothing, and one without duid among the targets kept fails the selection when the call
 * has been counted.
 */
function track(
  plan: SetPlan,
  chosen: number,
  request: RequestView,
  kamailio: KamailioPartition,
  limit: number,
): TrackedCall | 'leaked' | undefined {
  if (request.method !== undefined && request.method !== 'INVITE') return undefined;
  const destination = plan.set.destinations[chosen] as Destination;
  if (!plan.strict) return kamailio.calls.begin(request.callId, destination);
  if (kamailio.options.hashSize === 0 || kamailio.calls.get(request.callId) !== undefined) return undefined;
  const duidOf = (position: number) => (plan.attributes[position] as KamailioAttributes).duid;
  if (duidOf(chosen) === undefined) return undefined;
  const call = kamailio.calls.begin(request.callId, destination);
  const size = plan.set.destinations.length;
  for (let step = 1, kept = 1; step < size && kept < limit; step++) {
    const position = (chosen + step) % size;
    if (!plan.set.isActive(position)) continue;
    if (duidOf(position) === undefined) return 'leaked';
    kept++;
  }
  return call;
}

/**
 * Algorithm 13 with a default destination, as recorded: the list begins with the best one unless that is the default, goes
 * through the ranking from its end, so that some stand in it twice, and ends with the default.
 */
function recordedLatency(plan: SetPlan, chosen: number, limit: number): Choice {
  const { set } = plan;
  const size = set.destinations.length;
  const usable = plan.latencyOrder.filter((position) => position !== size - 1 && set.isActive(position));
  const best = plan.latencyOrder[0] === size - 1 ? [] : [plan.latencyOrder[0] as number];
  const list = [...best, ...usable.reverse(), size - 1].slice(0, limit);
  const rest = list.slice(1).map((position) => set.destinations[position] as Destination);
  return {
    destination: set.destinations[chosen] as Destination,
    rest: new GivenTargets(rest),
    count: list.length,
  };
}
