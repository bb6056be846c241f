import type { Algorithm } from '../../algorithms/algorithm.js';
import { dispatcherHash } from '../../hash.js';

/** 0: hash over the Call-ID, so that all requests of a call go the same way. */
export const hashCallId: Algorithm = {
  code: 0,
  name: 'hash-call-id',
  choose: (set, request, end) => set.byHash(dispatcherHash(request.callId), end),
};
