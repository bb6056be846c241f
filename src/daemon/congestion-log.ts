import type { Clock } from '../core/clock.js';
import type { Logger } from '../core/logger.js';
import type { CongestionEvents } from '../sip/congestion.js';

/** Milliseconds between two congestion periods that are logged. */
const EVERY_MS = 60_000;

/** Logs the beginning and the end of congestion; of several periods within a minute, only the first. */
export function congestionLog(log: Logger, clock: Clock): CongestionEvents {
  let last = Number.NEGATIVE_INFINITY;
  let logged = false;
  return {
    begun() {
      const now = clock.monotonic();
      logged = now - last >= EVERY_MS;
      if (!logged) return;
      last = now;
      log.warn({}, 'datagrams arrive faster than they are processed: requests of the busiest sources are refused');
    },
    ended(refused, dropped) {
      if (logged) log.warn({ refused, dropped }, 'datagrams are processed as fast as they arrive again');
    },
  };
}
