import { type Algorithm, FLAG, MISSING_INPUT } from '../../algorithms/algorithm.js';
import type { CompiledSet } from '../../compiled-set.js';
import { NO_HASH, uriHash } from '../../hash-keys.js';

function byUri(set: CompiledSet, uri: string, end: number, flags: number): number {
  const hash = uriHash(uri, (flags & FLAG.userOnly) !== 0);
  return hash === NO_HASH ? MISSING_INPUT : set.byHash(hash, end);
}

/** Algorithm 1: hash of user and host of the From URI; with flag u of its user alone. */
export const hashFromUri: Algorithm = {
  code: 1,
  name: 'hash-from-uri',
  choose: (set, request, end, flags) => byUri(set, request.fromUri, end, flags),
};

/** Algorithm 2: hash of the To URI. */
export const hashToUri: Algorithm = {
  code: 2,
  name: 'hash-to-uri',
  choose: (set, request, end, flags) => byUri(set, request.toUri, end, flags),
};

/** Algorithm 3: hash of the request-URI in its current form. */
export const hashRequestUri: Algorithm = {
  code: 3,
  name: 'hash-request-uri',
  choose: (set, request, end, flags) => byUri(set, request.requestUri, end, flags),
};
