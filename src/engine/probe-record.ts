import type { Destination, ProbeResult } from './destination.js';

/** Stores the result of a destination's last probe. It changes no state; the state table does that. */
export function recordProbe(destination: Destination, result: ProbeResult): void {
  destination.health.lastProbe = result;
}
