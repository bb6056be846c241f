import type { Settings } from '../config/settings.js';
import type { RateLimit } from '../sip/rate-limit.js';
import type { TransactionConfig } from '../sip/transaction/layer.js';
import type { StreamOptions } from '../sip/transport/bind.js';

/** Milliseconds the opening of a connection may take at most. */
const MOST_CONNECT = 5000;

/** What of the settings the transaction layer needs. */
export function layerOptions({ tm, limits }: Settings): TransactionConfig {
  return {
    t1: tm.t1,
    t2: tm.t2,
    t4: tm.t4,
    frTimeout: tm.frTimeout * 1000,
    frInvTimeout: Math.min(tm.frInvTimeout, tm.timerC) * 1000,
    maxTransactions: limits.maxTransactions,
  };
}

/** What of the settings bounds the connections of a stream socket. */
export function connectionBounds({ tm, limits }: Settings): Pick<StreamOptions, 'maxConnections' | 'connectMs'> {
  // Once fr_timeout has passed the request has gone elsewhere: it must not wait for a connection any longer.
  return { maxConnections: limits.maxConnections, connectMs: Math.min(MOST_CONNECT, tm.frTimeout * 1000) };
}

/** What one source may send. */
export function rateLimit({ limits }: Settings): RateLimit {
  return { perSecond: limits.requestsPerSecondPerSource, burst: limits.burst };
}
