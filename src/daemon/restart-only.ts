import { isDeepStrictEqual } from 'node:util';
import type { Settings } from '../config/settings.js';

/** Sockets, timers and connections are made once, from these. */
const MADE_ONCE = ['listen', 'tm', 'mi', 'events', 'http', 'tls', 'node', 'cluster', 'telemetry', 'workers'] as const;

/** The top-level keys of settings whose change only a restart brings into force. */
export function restartOnly(before: Settings, after: Settings): string[] {
  const keys: string[] = MADE_ONCE.filter((key) => !isDeepStrictEqual(before[key], after[key]));
  if (before.workerSpread !== after.workerSpread) keys.push('worker_spread');
  // Of the limits, the rate of requests and who is trusted can be changed while calls go on.
  const { maxTransactions, maxConnections, gatherMs, paceMs } = before.limits;
  const fixed = { ...after.limits, maxTransactions, maxConnections, gatherMs, paceMs };
  if (!isDeepStrictEqual(after.limits, fixed)) keys.push('limits');
  return keys;
}
