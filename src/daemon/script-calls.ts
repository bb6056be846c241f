import type { RelayPlan, RouteOrigin } from '../proxy/decision.js';
import type { ProxyObserver } from '../proxy/observer.js';
import type { ProxyCounters } from '../proxy/proxy.js';
import type { CallObserver } from '../script/calls.js';

const NO_HOP = { code: 500, reason: '' };

/** The plan of a request a script relays, as far as records look at it. */
function planOf(origin: RouteOrigin, recordRoute: boolean): RelayPlan {
  return { origin, recordRoute, edits: [], noHop: NO_HOP, next: () => undefined, failed: () => false };
}

/** Call records and counters of what the script of a configuration file does with requests. */
export function scriptCalls(ledger: Pick<ProxyObserver, 'relayed' | 'refused'>, counters: ProxyCounters): CallObserver {
  return {
    received({ method }) {
      counters.requests.value++;
      if (method === 'INVITE') counters.invites.value++;
    },
    relayed: (message, source, partition, recordRoute) =>
      ledger.relayed(
        message,
        source,
        planOf({ rule: 'script', ...(partition === undefined ? {} : { partition }) }, recordRoute),
      ),
    failedOver() {
      counters.failovers.value++;
    },
    refused: (message, source, code, reason) => ledger.refused(message, source, code, reason, { rule: 'script' }),
    answered(code) {
      const tally = counters.replies[Math.floor(code / 100)];
      if (tally !== undefined) tally.value++;
    },
    cancelled() {
      counters.cancels.value++;
    },
  };
}
