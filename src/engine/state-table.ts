import type { Clock } from '../core/clock.js';
import { Emitter } from '../core/emitter.js';
import type { Destination, HealthState } from './destination.js';
import type { Compat } from './partition.js';
import type { StateChange, StateSignal, StateTable, ToldState } from './state.js';

/** What of a partition's options decides about states. */
export interface StatePolicy {
  /** Failures in a row that switch an active destination to probing, at least 1. */
  readonly probingThreshold: number;
  readonly compat: Compat;
  /** Another flavour's transitions in place of ours; may count on the destination's health, must not set its state. */
  readonly decide?: ((signal: StateSignal) => HealthState) | undefined;
}

export interface StateTableOptions {
  readonly clock: Clock;
  /** The policy of a partition, by name. Undefined, for a partition that is gone: threshold 3, default. */
  policy(partition: string): StatePolicy | undefined;
  /** A listener threw; the others have heard and the state stands. */
  readonly onListenerError?: (error: unknown) => void;
}

const FALLBACK: StatePolicy = { probingThreshold: 3, compat: 'default' };

/**
 * Creates the one place where health is written.
 *
 *   before    signal                        after      edge
 *   any       set active                    active     "active" when it was not; the failure count starts again
 *   any       set inactive                  inactive   "inactive" when it was active
 *   active    set probing, failure          active     none while the count is below the threshold
 *                                           probing    "inactive" when the count reaches it
 *   inactive  set probing                   probing    none: it stays unusable
 *   inactive  failure, success              inactive   none: switched off by an operator, no probe brings it back
 *   probing   set probing, failure          probing    none
 *   active    success                       active     none; the failure count starts again
 *   probing   success                       active     "active"; the failure count starts again
 *   any       restore                       as told    when usability changed; the failure count starts again
 *
 * In a "strict" partition two recorded faults are kept: `set active` leaves the failure count as it is, and `set probing`
 * makes an inactive destination active.
 */
export function createStateTable(options: StateTableOptions): StateTable {
  const changes = new Emitter<StateChange>(options.onListenerError);
  return {
    apply: (signal) => apply(signal, options, changes),
    resume: (destination, told) => resume(destination, told, options.clock, changes),
    onChange: (listen) => changes.on(listen),
  };
}

function apply(
  signal: StateSignal,
  options: StateTableOptions,
  changes: Emitter<StateChange>,
): StateChange | undefined {
  const { destination } = signal;
  const { health } = destination;
  const previous = health.state;
  const policy = options.policy(destination.partition) ?? FALLBACK;
  const state = policy.decide === undefined ? decide(signal, policy) : policy.decide(signal);
  if (state === previous) return undefined;

  const time = options.clock.now();
  health.state = state;
  const { reason, origin, code, cause } = signal;
  health.lastChange = { time, reason, origin, code, cause };
  // What the table itself told needs no writing back.
  health.dirty = signal.origin !== 'store';
  const usable = state === 'active';
  let edge: StateChange['edge'];
  if (usable !== (previous === 'active')) {
    edge = usable ? 'active' : 'inactive';
    health.seq++;
    if (health.availability !== undefined) health.availability.version++;
  }
  const change: StateChange = {
    destination,
    previous,
    state,
    edge,
    seq: health.seq,
    time,
    origin: signal.origin,
    reason: signal.reason,
    code: signal.code,
    cause: signal.cause,
    address: signal.address ?? destination.row.uri,
  };
  changes.emit(change);
  return change;
}

const RESUMED = 'restart';

function resume(
  destination: Destination,
  told: ToldState,
  clock: Clock,
  changes: Emitter<StateChange>,
): StateChange | undefined {
  const { health, row } = destination;
  const { state } = health;
  if (health.seq > 0) return undefined;
  health.seq = told.seq;
  const status = state === 'active' ? 'active' : 'inactive';
  if (status === told.status) return undefined;
  health.seq++;
  const change: StateChange = {
    destination,
    previous: told.status,
    state,
    edge: status,
    seq: health.seq,
    time: clock.now(),
    origin: 'store',
    reason: RESUMED,
    code: undefined,
    cause: undefined,
    address: row.uri,
  };
  changes.emit(change);
  return change;
}

/** The state that follows; counts failures on the way. */
function decide(signal: StateSignal, policy: StatePolicy): HealthState {
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
