import type { Destination, HealthState, SignalOrigin } from './destination.js';

/** State bits by their letters (flavour kamailio): at once, or by way of the thresholds as a probe or ds_mark_dst does. */
export interface StateMark {
  readonly bits: number;
  readonly how: 'set' | 'update';
}

/** A report about a destination, from any source. */
export interface StateSignal {
  readonly destination: Destination;
  /**
   * `set`: go to `to` at once (probing by `set` counts as one failure, as the module documents for "p");
   * `failure`: one failed probe or failed call counted toward the threshold; `success`: a good answer;
   * `restore`: take over a state that was decided elsewhere (another node, the table), whatever the threshold.
   */
  readonly kind: 'set' | 'failure' | 'success' | 'restore';
  readonly to?: HealthState | undefined;
  /** State bits by their letters, instead of `to` (partitions of flavour kamailio). */
  readonly mark?: StateMark | undefined;
  readonly origin: SignalOrigin;
  /** Recorded reason text: "MI command", "negative probing reply", "200 OK probing reply", "script function ds_mark()". */
  readonly reason: string;
  /** Status code after it, where there is one. */
  readonly code?: number | undefined;
  /** "timeout", "refused", "tls", "dns", ... */
  readonly cause?: string | undefined;
  /** Address as the caller wrote it (MI letter case is echoed in the event); default: the row's URI. */
  readonly address?: string | undefined;
}

/** A state that really changed. */
export interface StateChange {
  readonly destination: Destination;
  readonly previous: HealthState;
  readonly state: HealthState;
  /** Set when usability changed, to what it now is: exactly then an E_DISPATCHER_STATUS event is raised. */
  readonly edge?: 'active' | 'inactive' | undefined;
  /** Grows by one per destination and edge. On changes without edge: the number of the last edge. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly origin: SignalOrigin;
  readonly reason: string;
  readonly code?: number | undefined;
  readonly cause?: string | undefined;
  readonly address: string;
  /** The signal that caused it; undefined for what was taken over from others. */
  readonly signal?: StateSignal | undefined;
}

/** A state that was decided elsewhere, with the number of the last edge there. */
export interface DecidedState {
  readonly state: HealthState;
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly reason: string;
  readonly code?: number | undefined;
  readonly cause?: string | undefined;
  /** Flavour kamailio: the state bits, where they were given. */
  readonly bits?: number | undefined;
}

/** The last edge others know of. */
export interface PublishedState {
  readonly status: 'active' | 'inactive';
  readonly seq: number;
}

/** Every state change goes through this table. */
export interface StateTable {
  /** The only writer of health. Returns the change, or undefined when nothing changed. */
  apply(signal: StateSignal): StateChange | undefined;
  /**
   * Takes over what an earlier run of the process last reported to others about a destination: numbers of edges go on
   * from there, and where its usability is another one now, the edge not yet reported is a change like any other.
   * Returns it. Does nothing once an edge was reported.
   */
  resume(destination: Destination, published: PublishedState): StateChange | undefined;
  /**
   * Takes over what other nodes have decided: state, number of the last edge, who and why. An edge is raised when usability
   * changed; its origin is `cluster`. Returns the change, or undefined when only numbers changed.
   */
  adopt(destination: Destination, decided: DecidedState): StateChange | undefined;
  /** Goes on counting failures where another node stopped: the higher count holds. */
  carry(destination: Destination, failures: number): void;
  /**
   * Asks `admits` before each signal; it replaces the previous `admits`; a signal that is not admitted changes nothing.
   * Undefined: all are.
   */
  guard(admits: ((signal: StateSignal) => boolean) | undefined): void;
  /** Calls `listen` after each change, in order. The returned function removes it. */
  onChange(listen: (change: StateChange) => void): () => void;
}
