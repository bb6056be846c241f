import type { Destination, ProbeResult } from './destination.js';

/** Notes what the last probe of a destination told. States do not change by it: that is the state table's to decide. */
export function recordProbe(destination: Destination, result: ProbeResult): void {
  destination.health.lastProbe = result;
}
