import type { Algorithm } from '../../algorithms/algorithm.js';
import { dispatcherHash } from '../../hash.js';

/** Algorithm 0: hash of the Call-ID, so that all requests of a call get the same destination. */
export const hashCallId: Algorithm = {
  code: 0,
  name: 'hash-call-id',
  choose: (set, request, end) => set.byHash(dispatcherHash(request.callId), end),
};
