import { FLAG, MISSING_INPUT } from '../algorithms/algorithm.js';
import { type CompiledSet, NONE } from '../compiled-set.js';
import type { Destination } from '../destination.js';
import { GivenTargets, NO_TARGETS, RestOfRanking, RestOfSet, type Targets } from '../failover.js';
import { OWN_ALGORITHMS, unknownAlgorithm } from '../opensips/algorithms/list.js';
import type { RequestView } from '../request-view.js';
import type { Choice, CountedCall, SelectFailure, SelectTarget } from '../selection.js';
import type { Snapshot } from '../set.js';
import type { KamailioAlgorithm } from './algorithms/algorithm.js';
import { serial } from './algorithms/in-order.js';
import { kamailioAlgorithm } from './algorithms/list.js';
import type { KamailioEnv } from './environment.js';
import { planOf, type SetPlan } from './set-plan.js';

/** Maximum number of branches of one request besides its own target (recorded). */
export const MAX_FURTHER_BRANCHES = 11;

/** Code of the algorithm that selects by calls in progress. */
export const CALL_LOAD = 10;
const PARALLEL = 12;
const LATENCY = 13;

/**
 * Selects in one set by Kamailio's rules. `before`: number of targets that earlier sets of one ds_select_routes have
 * added; the limit counts them, but the chosen destination is always added. `counts`: whether the call is sent there
 * and counts as its load. Returns a text when nothing can be selected.
 */
export function chooseKamailio(
  snapshot: Snapshot,
  kamailio: KamailioEnv,
  target: SelectTarget,
  request: RequestView,
  before = 0,
  counts = true,
): Choice | SelectFailure {
  const set = snapshot.sets.get(target.setId) as CompiledSet | undefined;
  if (set === undefined || set.destinations.length === 0) return 'no such set';
  if (set.shared === undefined) return chooseIn(set, kamailio, target, request, before, counts);
  set.enter();
  // The number of calls at each destination must not change between reading it and counting this call.
  const byCalls = target.algorithm === CALL_LOAD;
  if (byCalls) kamailio.calls.enter();
  try {
    return chooseIn(set, kamailio, target, request, before, counts);
  } finally {
    if (byCalls) kamailio.calls.leave();
    set.leave();
  }
}

function chooseIn(
  set: CompiledSet,
  kamailio: KamailioEnv,
  target: SelectTarget,
  request: RequestView,
  before: number,
  counts: boolean,
): Choice | SelectFailure {
  const size = set.destinations.length;
  const strict = kamailio.partition.compat === 'strict';
  const down = set.activeBefore(size) === 0;
  // As recorded, round robin advances even if nothing can be selected.
  if (down && !strict) return 'no active destination';

  const { options } = kamailio;
  const flags = target.flags;
  const useDefault = size > 1 && (options.useDefault || (flags & FLAG.useDefault) !== 0);
  const end = useDefault ? size - 1 : size;
  const plan = planOf(set, strict);
  const userOnly = (flags & FLAG.userOnly) !== 0 || (options.flags & 1) !== 0;
  const algorithm = algorithmOf(target.algorithm, plan, kamailio);
  if (algorithm === undefined) return 'unknown algorithm';
  const candidate = algorithm.choose(plan, request, end, userOnly, kamailio);
  if (down) return 'no active destination';
  if (candidate === MISSING_INPUT) return 'nothing to hash';
  // The default destination is also used when all others are full.
  const resort = candidate === NONE && !strict && useDefault && set.isActive(size - 1);
  if (candidate === NONE && !resort) return 'all destinations are full';
  const asRanked = strict && useDefault && algorithm.code === LATENCY;
  let chosen = asRanked ? candidate : resort ? size - 1 : set.stepToActive(candidate, end);
  if (chosen === NONE) chosen = useDefault && set.isActive(size - 1) ? size - 1 : NONE;
  if (chosen === NONE) return 'no active destination';

  const destination = set.destinations[chosen] as Destination;
  set.countHit(chosen);
  const failover = (flags & FLAG.failover) !== 0 || (options.flags & 2) !== 0;
  const limit = target.maxResults > 0 ? target.maxResults - before : Number.POSITIVE_INFINITY;
  const counted = algorithm.code === CALL_LOAD;
  // As recorded, a call whose least loaded destination is the default begins at the first one, but counts at the
  // default.
  const atDefault = strict && useDefault && counted && plan.leastLoaded(size, kamailio.calls) === size - 1;
  const call = counted && counts ? track(plan, atDefault ? size - 1 : chosen, request, kamailio) : undefined;
  if (algorithm.code === PARALLEL) {
    return { destination, rest: NO_TARGETS, count: 0, branches: branchesAfter(plan, chosen) };
  }
  if (!failover) return { destination, rest: NO_TARGETS, count: 0, call };
  // In ds_select_routes, a later set with algorithm 13 adds nothing beyond the limit; one with any other algorithm adds
  // its first target (recorded).
  if (algorithm.code === LATENCY && before > 0 && limit <= 0) return 'the list is full';
  if (asRanked) return recordedLatency(plan, chosen, limit);

  if (call !== undefined && strict) return recordedCallLoad(plan, chosen, end, limit, call);
  // A call that counts as load, now or when it is sent there, skips full destinations, except the default.
  const bounded = (call !== undefined || (counted && !counts && beginsCall(request))) && plan.bounded;
  const among = bounded ? plan.openBefore(end, kamailio.calls) : set.activeBefore(end);
  const others = among - (chosen < end && !(bounded && plan.isFull(chosen)) ? 1 : 0);
  const kept = Math.max(0, Math.min(limit - 1, others));
  const last = useDefault && chosen !== size - 1 && limit > 1 + kept ? size - 1 : NONE;
  const count = 1 + kept + (last === NONE ? 0 : 1);
  const rest = bounded
    ? new RestOfSet(set, chosen, end, kept, last, chosen + 1, (position) => plan.isFull(position))
    : restOf({ plan, algorithm, chosen, end, kept, last }, request, kamailio);
  return { destination, rest, count, call };
}

function algorithmOf(code: number, plan: SetPlan, kamailio: KamailioEnv): KamailioAlgorithm | undefined {
  const known = kamailioAlgorithm(code, plan.strict && kamailio.version === '5.6') ?? OWN.get(code);
  if (known !== undefined) return known;
  kamailio.warn(kamailio.partition.name, unknownAlgorithm(code, plan.strict));
  return plan.strict ? serial : undefined;
}

/** Our own algorithms, which both flavours have. */
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

/** The destinations after the chosen one: in the order of the algorithm, or by position. */
function restOf(
  choice: { plan: SetPlan; algorithm: KamailioAlgorithm; chosen: number; end: number; kept: number; last: number },
  request: RequestView,
  kamailio: KamailioEnv,
): Targets {
  const { plan, algorithm, chosen, end, kept, last } = choice;
  if (algorithm.order === undefined || chosen >= end) return new RestOfSet(plan.set, chosen, end, kept, last);
  // Algorithm 13 replaces its ranking with each choice, so it is kept; other orders can be computed again when the call
  // fails over.
  const order =
    algorithm.code === LATENCY
      ? plan.latencyOrder
      : () => algorithm.order?.(plan, chosen, end, request, kamailio) ?? Int32Array.of(chosen);
  return new RestOfRanking(plan.set, order, chosen, kept, last);
}

/**
 * Algorithm 10 for a call that counts, as recorded. Full destinations are skipped, except the default. If a kept
 * destination has no duid, the selection fails, although the ones before it are listed and the call is counted.
 */
function recordedCallLoad(plan: SetPlan, chosen: number, end: number, limit: number, call: CountedCall): Choice {
  const { destinations } = plan.set;
  const last = destinations.length - 1;
  const kept = [chosen];
  for (let step = 1; step <= end && kept.length < limit; step++) {
    const position = (chosen + step) % end;
    if (position !== chosen && plan.set.isActive(position) && !plan.isFull(position)) kept.push(position);
  }
  if (end === last && chosen !== last && kept.length < limit) kept.push(last);
  const without = kept.findIndex((position) => plan.attributes[position]?.duid === undefined);
  const usable = without < 0 ? kept : kept.slice(0, without);
  const [destination, ...rest] = usable.map((position) => destinations[position] as Destination);
  const cut = without >= 0;
  return { destination: destination as Destination, rest: new GivenTargets(rest), count: usable.length, call, cut };
}

/**
 * All other active destinations of the set. In a strict partition, those after the chosen one, active or not
 * (recorded).
 */
function branchesAfter(plan: SetPlan, chosen: number): readonly Destination[] {
  const branches: Destination[] = [];
  const { set } = plan;
  for (let i = chosen + 1; i < set.destinations.length && branches.length < MAX_FURTHER_BRANCHES; i++) {
    if (plan.strict || set.isActive(i)) branches.push(set.destinations[i] as Destination);
  }
  return branches;
}

/** Whether a request begins a call, which counts as load of a destination. */
export function beginsCall({ method }: RequestView): boolean {
  return method === undefined || method === 'INVITE';
}

/**
 * Counts the call for its destination. In a strict partition, nothing is counted if the Call-ID is known already or the
 * destination has no duid (recorded).
 */
function track(plan: SetPlan, chosen: number, request: RequestView, kamailio: KamailioEnv): CountedCall | undefined {
  if (!beginsCall(request)) return undefined;
  const destination = plan.set.destinations[chosen] as Destination;
  if (plan.strict) {
    if (kamailio.options.hashSize === 0 || kamailio.calls.get(request.callId) !== undefined) return undefined;
    if (plan.attributes[chosen]?.duid === undefined) return undefined;
  }
  return kamailio.calls.begin(request.callId, destination);
}

/**
 * Algorithm 13 with a default destination, as recorded: it does not check whether the destination is active, and the
 * list is the ranking, which contains some destinations twice, and then the default.
 */
function recordedLatency(plan: SetPlan, chosen: number, limit: number): Choice {
  const { set } = plan;
  const last = set.destinations.length - 1;
  const usable = [...plan.latencyOrder].filter((position) => position !== last && set.isActive(position));
  const list = [...usable, last].slice(0, limit).map((position) => set.destinations[position] as Destination);
  return {
    destination: set.destinations[chosen] as Destination,
    head: list[0],
    rest: new GivenTargets(list.slice(1)),
    count: list.length,
  };
}
