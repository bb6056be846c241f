import { ownValue } from '../../core/own-value.js';
import type { HealthState } from '../destination.js';
import type { Compat } from '../options.js';
import type { StateSignal } from '../state.js';

/** The options of a partition that decide about states. */
export interface StatePolicy {
  /** Consecutive failures after which an active destination becomes probing; at least 1. */
  readonly probingThreshold: number;
  readonly compat: Compat;
}

/**
 * Returns the state after a signal in an opensips partition, and counts failures. By state before and signal:
 *
 *   before    signal                        after      edge
 *   any       set active                    active     "active" if it was not; the failure count is reset
 *   any       set inactive                  inactive   "inactive" if it was active
 *   active    set probing, failure          active     none while the count is below the threshold
 *                                           probing    "inactive" when the count reaches it
 *   inactive  set probing                   probing    none, since it stays unusable
 *   inactive  failure, success              inactive   none: switched off by an operator, so probes do not activate it
 *   probing   set probing, failure          probing    none
 *   active    success                       active     none; the failure count is reset
 *   probing   success                       active     "active"; the failure count is reset
 *   any       restore                       as given   if it became usable or unusable; the failure count is reset
 *
 * In a "strict" partition two recorded faults are kept: `set active` leaves the failure count as it is, and `set
 * probing` makes an inactive destination active.
 */
export function nextOpensipsState(signal: StateSignal, policy: StatePolicy): HealthState {
  const { health } = signal.destination;
  const strict = policy.compat === 'strict';
  switch (signal.kind) {
    case 'success':
      if (health.state === 'inactive') return 'inactive';
      health.failures = 0;
      return 'active';
    case 'failure':
      return countFailure(signal, policy);
    case 'restore':
      health.failures = 0;
      return signal.to ?? health.state;
    case 'set':
      switch (signal.to) {
        case 'active':
          if (!strict) health.failures = 0;
          return 'active';
        case 'inactive':
          return 'inactive';
        case 'probing':
          if (health.state === 'inactive') return strict ? 'active' : 'probing';
          return countFailure(signal, policy);
        default:
          return health.state;
      }
  }
}

function countFailure(signal: StateSignal, policy: StatePolicy): HealthState {
  const { health } = signal.destination;
  if (health.state === 'inactive') return 'inactive';
  health.failures++;
  return health.state === 'active' && health.failures < policy.probingThreshold ? 'active' : 'probing';
}

/**
 * The state for a text of ds_mark_dst: inactive for an empty one; undefined for a text that names no state, which
 * changes nothing (recorded).
 */
export function markedState(text: string): HealthState | undefined {
  return text === '' ? 'inactive' : ownValue(MARKS, text);
}

const MARKS: Readonly<Record<string, HealthState>> = {
  i: 'inactive',
  I: 'inactive',
  '0': 'inactive',
  a: 'active',
  A: 'active',
  '1': 'active',
  p: 'probing',
  P: 'probing',
  '2': 'probing',
};
