import type { RelayPlan, RouteOrigin } from '../proxy/decision.js';
import type { ProxyObserver } from '../proxy/observer.js';
import type { ProxyCounters } from '../proxy/proxy.js';
import type { CallObserver } from '../script/calls.js';

const NO_HOP = { code: 500, reason: '' };

const SCRIPT: RouteOrigin = { rule: 'script' };

/** The relay plan of a request that a script forwards, with the fields that records use. */
function planOf(origin: RouteOrigin, recordRoute: boolean): RelayPlan {
  return { origin, recordRoute, edits: [], noHop: NO_HOP, next: () => undefined, failed: () => false };
}

/** Reuses the last plan, since most requests have the same. */
class Plans {
  private last: RelayPlan | undefined;

  of(partition: string | undefined, recordRoute: boolean): RelayPlan {
    const { last } = this;
    if (last?.recordRoute === recordRoute && last.origin?.partition === partition) return last;
    const origin = partition === undefined ? SCRIPT : { ...SCRIPT, partition };
    this.last = planOf(origin, recordRoute);
    return this.last;
  }
}

/** Reports to call records and counters what the cfg script does with requests. */
export function scriptCalls(ledger: Pick<ProxyObserver, 'relayed' | 'refused'>, counters: ProxyCounters): CallObserver {
  const plans = new Plans();
  return {
    received({ method }) {
      counters.requests.value++;
      if (method === 'INVITE') counters.invites.value++;
    },
    relayed: (message, source, partition, recordRoute) =>
      ledger.relayed(message, source, plans.of(partition, recordRoute)),
    failedOver() {
      counters.failovers.value++;
    },
    refused: (message, source, code, reason, unsuccessful) =>
      ledger.refused(
        message,
        source,
        code,
        reason,
        unsuccessful === undefined ? SCRIPT : { ...SCRIPT, ...unsuccessful },
      ),
    answered(code) {
      const tally = counters.replies[Math.floor(code / 100)];
      if (tally !== undefined) tally.value++;
    },
    cancelled() {
      counters.cancels.value++;
    },
  };
}
