import { UNCOMPUTABLE } from '../../algorithms/algorithm.js';
import { dispatcherHash } from '../../hash.js';
import { NO_HASH, uriHash } from '../../hash-keys.js';
import type { SetPlan } from '../set-plan.js';
import type { KamailioAlgorithm } from './algorithm.js';
import { nextPosition } from './round-robin.js';

/**
 * The position a hash falls on: hash mod number of destinations, weights or not. When that one is down: in a strict
 * partition the next one up takes all its calls, as recorded; otherwise they spread evenly over those that are up, by
 * what the first division left over.
 */
export function byHash(plan: SetPlan, hash: number, end: number): number {
  const candidate = hash % end;
  if (plan.strict || plan.set.isActive(candidate)) return candidate;
  const active = plan.set.activeBefore(end);
  return active === 0 ? candidate : plan.set.nthActive(Math.trunc(hash / end) % active);
}

function byUri(plan: SetPlan, uri: string, end: number, userOnly: boolean): number {
  const hash = uriHash(uri, userOnly, 'kamailio');
  return hash === NO_HASH ? UNCOMPUTABLE : byHash(plan, hash, end);
}

/** 0: hash over the Call-ID. */
export const hashCallId: KamailioAlgorithm = {
  code: 0,
  name: 'hash-call-id',
  choose: (plan, request, end) =>
    request.callId === '' ? UNCOMPUTABLE : byHash(plan, dispatcherHash(request.callId), end),
};

/** 1: hash over user and host of the From URI; with flag u over its user alone. */
export const hashFromUri: KamailioAlgorithm = {
  code: 1,
  name: 'hash-from-uri',
  choose: (plan, request, end, userOnly) => byUri(plan, request.fromUri, end, userOnly),
};

/** 2: hash over the To URI. */
export const hashToUri: KamailioAlgorithm = {
  code: 2,
  name: 'hash-to-uri',
  choose: (plan, request, end, userOnly) => byUri(plan, request.toUri, end, userOnly),
};

/** 3: hash over the Request-URI in its current form. */
export const hashRequestUri: KamailioAlgorithm = {
  code: 3,
  name: 'hash-request-uri',
  choose: (plan, request, end, userOnly) => byUri(plan, request.requestUri, end, userOnly),
};

/** What the original takes off a username before it hashes it, be it a scheme or not (recorded). */
const SCHEME = /^[^:]*:/;

/**
 * 5: hash over the digest username; without usable credentials round robin, which shares its position with algorithm 4.
 */
export const hashAuthUser: KamailioAlgorithm = {
  code: 5,
  name: 'hash-auth-user',
  choose(plan, request, end) {
    const user = request.authUsername?.replace(SCHEME, '');
    return user === undefined || user === '' ? nextPosition(plan, end) : byHash(plan, dispatcherHash(user), end);
  },
};

/** 7: hash over hash_pvar, evaluated on the request. */
export const hashVariable: KamailioAlgorithm = {
  code: 7,
  name: 'hash-pvar',
  choose(plan, request, end, _userOnly, env) {
    const value = request.hashVar(env.partition.name);
    if (value === undefined || value === '') return UNCOMPUTABLE;
    return byHash(plan, dispatcherHash(value), end);
  },
};

/** 6: random; all are as likely. */
export const random: KamailioAlgorithm = {
  code: 6,
  name: 'random',
  choose: (plan, _request, end, _userOnly, env) => byHash(plan, env.random.uint32(), end),
};
