import { maxForwardsFunctions } from '../functions/max-forwards.js';
import { answerFunctions } from '../functions/replies.js';
import { targetFunctions } from '../functions/targets.js';
import { transactionFunctions } from '../functions/transaction.js';
import { scriptActions } from './actions.js';
import type { RouteCallSite } from './site.js';

// The functions on a call's request that cfg files have too, as JavaScript routes carry them out.

/** Functions of maxfwd. The proxy decrements Max-Forwards when it relays a request. */
export const { opensips: MAX_FORWARDS } = maxForwardsFunctions<RouteCallSite>({
  add({ call }, limit) {
    call.maxForwards = limit > 0 && limit <= 255 ? limit : 70;
  },
  decrement: () => undefined,
});

/** Functions of tm about the transaction of the request. */
export const TRANSACTION = transactionFunctions(scriptActions);
/** Functions that answer the request. */
export const REPLY = answerFunctions(scriptActions);
/** Functions that decide where the request is sent. */
export const TARGETS = targetFunctions(scriptActions);
