import { MISSING_INPUT } from '../../algorithms/algorithm.js';
import { dispatcherHash } from '../../hash.js';
import { NO_HASH, uriHash } from '../../hash-keys.js';
import type { SetPlan } from '../set-plan.js';
import type { KamailioAlgorithm } from './algorithm.js';
import { nextPosition } from './round-robin.js';

/**
 * The position for a hash: hash modulo number of destinations, regardless of weights. When it is down, a strict
 * partition uses the next active one for all its calls, as recorded. Otherwise its calls are spread evenly over the
 * active ones, by the quotient of that division.
 */
export function byHash(plan: SetPlan, hash: number, end: number): number {
  const candidate = hash % end;
  if (plan.strict || plan.set.isActive(candidate)) return candidate;
  const active = plan.set.activeBefore(end);
  return active === 0 ? candidate : plan.set.nthActive(Math.trunc(hash / end) % active);
}

function byUri(plan: SetPlan, uri: string, end: number, userOnly: boolean): number {
  const hash = uriHash(uri, userOnly, 'kamailio');
  return hash === NO_HASH ? MISSING_INPUT : byHash(plan, hash, end);
}

/** Algorithm 0: hash of the Call-ID. */
export const hashCallId: KamailioAlgorithm = {
  code: 0,
  name: 'hash-call-id',
  choose: (plan, request, end) =>
    request.callId === '' ? MISSING_INPUT : byHash(plan, dispatcherHash(request.callId), end),
};

/** Algorithm 1: hash of user and host of the From URI; with flag u of its user alone. */
export const hashFromUri: KamailioAlgorithm = {
  code: 1,
  name: 'hash-from-uri',
  choose: (plan, request, end, userOnly) => byUri(plan, request.fromUri, end, userOnly),
};

/** Algorithm 2: hash of the To URI. */
export const hashToUri: KamailioAlgorithm = {
  code: 2,
  name: 'hash-to-uri',
  choose: (plan, request, end, userOnly) => byUri(plan, request.toUri, end, userOnly),
};

/** Algorithm 3: hash of the request-URI in its current form. */
export const hashRequestUri: KamailioAlgorithm = {
  code: 3,
  name: 'hash-request-uri',
  choose: (plan, request, end, userOnly) => byUri(plan, request.requestUri, end, userOnly),
};

/** What Kamailio removes from a user name before hashing it, whether it is a scheme or not (recorded). */
const SCHEME = /^[^:]*:/;

/**
 * Algorithm 5: hash of the digest user name; without usable credentials, round robin with the position of algorithm 4.
 */
export const hashAuthUser: KamailioAlgorithm = {
  code: 5,
  name: 'hash-auth-user',
  choose(plan, request, end) {
    const user = request.authUsername?.replace(SCHEME, '');
    return user === undefined || user === '' ? nextPosition(plan, end) : byHash(plan, dispatcherHash(user), end);
  },
};

/** Algorithm 7: hash of the value of hash_pvar. */
export const hashVariable: KamailioAlgorithm = {
  code: 7,
  name: 'hash-pvar',
  choose(plan, request, end, _userOnly, env) {
    const value = request.hashVar(env.partition.name);
    if (value === undefined || value === '') return MISSING_INPUT;
    return byHash(plan, dispatcherHash(value), end);
  },
};

/** Algorithm 6: random, all with equal probability. */
export const random: KamailioAlgorithm = {
  code: 6,
  name: 'random',
  choose: (plan, _request, end, _userOnly, env) => byHash(plan, env.random.uint32(), end),
};
