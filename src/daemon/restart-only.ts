import { isDeepStrictEqual } from 'node:util';
import type { Settings } from '../config/settings.js';

/** Keys for sockets, timers and connections, which are created only once. */
const RESTART_ONLY = [
  'listen',
  'tm',
  'mi',
  'events',
  'http',
  'tls',
  'node',
  'cluster',
  'telemetry',
  'workers',
] as const;

/** The top-level keys that have changed and need a restart. */
export function restartOnly(before: Settings, after: Settings): string[] {
  const keys: string[] = RESTART_ONLY.filter((key) => !isDeepStrictEqual(before[key], after[key]));
  if (before.workerSpread !== after.workerSpread) keys.push('worker_spread');
  // Of the limits, only the request rate and trusted sources can change at run time.
  const { maxTransactions, maxConnections, gatherMs, paceMs } = before.limits;
  const fixed = { ...after.limits, maxTransactions, maxConnections, gatherMs, paceMs };
  if (!isDeepStrictEqual(after.limits, fixed)) keys.push('limits');
  return keys;
}
