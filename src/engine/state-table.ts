import type { Clock } from '../core/clock.js';
import { Emitter } from '../core/emitter.js';
import type { Destination } from './destination.js';
import type { StateRules } from './flavour.js';
import type { DecidedState, PublishedState, StateChange, StateSignal, StateTable } from './state.js';

/** What the state table needs. */
export interface StateTableOptions {
  readonly clock: Clock;
  /** The rules of a partition for states, by its name; default rules for a removed one. */
  rules(partition: string): Pick<StateRules, 'nextState' | 'carryFailures'>;
  /** Called when a listener threw; the other listeners were called, and the state is kept. */
  readonly onListenerError?: (error: unknown) => void;
}

/** Creates the state table, the only writer of Health. */
export function createStateTable(options: StateTableOptions): StateTable {
  const changes = new Emitter<StateChange>(options.onListenerError);
  let admits: ((signal: StateSignal) => boolean) | undefined;
  return {
    apply: (signal) => (admits === undefined || admits(signal) ? apply(signal, options, changes) : undefined),
    adopt: (destination, decided) => adopt(destination, decided, options, changes),
    carry: (destination, failures) => options.rules(destination.partition).carryFailures(destination, failures),
    guard(asked) {
      admits = asked;
    },
    resume: (destination, published) => resume(destination, published, options.clock, changes),
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
  const state = options.rules(destination.partition).nextState(signal);
  if (state === previous) return undefined;

  const time = options.clock.now();
  health.state = state;
  const { reason, origin, code, cause } = signal;
  health.lastChange = { time, reason, origin, code, cause };
  // A state read from the table need not be written back.
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
    signal,
  };
  changes.emit(change);
  return change;
}

function adopt(
  destination: Destination,
  decided: DecidedState,
  options: StateTableOptions,
  changes: Emitter<StateChange>,
): StateChange | undefined {
  const { health } = destination;
  const { state, seq, time, reason, code, cause } = decided;
  const previous = health.state;
  const rules = options.rules(destination.partition);
  // The bits of the flavour must follow: those given, or as when a state is restored.
  const mark = decided.bits === undefined ? undefined : { bits: decided.bits, how: 'set' as const };
  if (state !== previous || mark !== undefined) {
    rules.nextState({ destination, kind: 'restore', to: state, mark, origin: 'cluster', reason });
  }
  health.seq = seq;
  if (state === previous) return undefined;
  health.state = state;
  health.failures = 0;
  health.lastChange = { time, reason, origin: 'cluster', code, cause };
  health.dirty = true;
  const usable = state === 'active';
  let edge: StateChange['edge'];
  if (usable !== (previous === 'active')) {
    edge = usable ? 'active' : 'inactive';
    if (health.availability !== undefined) health.availability.version++;
  }
  const { uri: address } = destination.row;
  const change: StateChange = {
    destination,
    previous,
    state,
    edge,
    seq,
    time,
    origin: 'cluster',
    reason,
    code,
    cause,
    address,
  };
  changes.emit(change);
  return change;
}

const RESUMED = 'restart';

function resume(
  destination: Destination,
  published: PublishedState,
  clock: Clock,
  changes: Emitter<StateChange>,
): StateChange | undefined {
  const { health, row } = destination;
  const { state } = health;
  if (health.seq > 0) return undefined;
  health.seq = published.seq;
  const status = state === 'active' ? 'active' : 'inactive';
  if (status === published.status) return undefined;
  health.seq++;
  const change: StateChange = {
    destination,
    previous: published.status,
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
