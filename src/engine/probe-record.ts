import type { Destination, ProbeResult } from './destination.js';

/** Records the result of the last probe of a destination. It changes no state: the state table decides that. */
export function recordProbe(destination: Destination, result: ProbeResult): void {
  destination.health.lastProbe = result;
}
