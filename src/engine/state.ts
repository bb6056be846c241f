import type { Destination, HealthState, SignalOrigin } from './destination.js';

/**
 * State bits (flavour kamailio), either set at once, or counted toward a threshold first as for a probe or ds_mark_dst.
 */
export interface StateMark {
  readonly bits: number;
  readonly how: 'set' | 'update';
}

/** A report about a destination, from any source. */
export interface StateSignal {
  readonly destination: Destination;
  /**
   * `set`: change to `to` at once, except that `set` to probing counts as one failure, as documented for "p".
   * `failure`: a failed probe or call, counted toward the threshold. `success`: a good answer. `restore`: take the
   * state decided elsewhere (another node, the table), without a threshold.
   */
  readonly kind: 'set' | 'failure' | 'success' | 'restore';
  readonly to?: HealthState | undefined;
  /** State bits instead of `to` (flavour kamailio). */
  readonly mark?: StateMark | undefined;
  readonly origin: SignalOrigin;
  /**
   * Reason text, as recorded: "MI command", "negative probing reply", "200 OK probing reply", "script function
   * ds_mark()".
   */
  readonly reason: string;
  /** Status code to show after the reason. */
  readonly code?: number | undefined;
  /** "timeout", "refused", "tls", "dns", ... */
  readonly cause?: string | undefined;
  /** Address to show, as the caller wrote it (events repeat its letter case); default: the row's URI. */
  readonly address?: string | undefined;
}

/** A change of a destination's state. */
export interface StateChange {
  readonly destination: Destination;
  readonly previous: HealthState;
  readonly state: HealthState;
  /** Set when the destination became usable or unusable; exactly then an E_DISPATCHER_STATUS event is raised. */
  readonly edge?: 'active' | 'inactive' | undefined;
  /** Number of the destination's last edge; an edge increments it. */
  readonly seq: number;
  /** In milliseconds since the epoch. */
  readonly time: number;
  readonly origin: SignalOrigin;
  readonly reason: string;
  readonly code?: number | undefined;
  readonly cause?: string | undefined;
  readonly address: string;
  /** The signal that caused the change; undefined when the state came from another node or an earlier run. */
  readonly signal?: StateSignal | undefined;
}

/** A state that another node decided, with the number of the last edge there. */
export interface DecidedState {
  readonly state: HealthState;
  readonly seq: number;
  /** In milliseconds since the epoch. */
  readonly time: number;
  readonly reason: string;
  readonly code?: number | undefined;
  readonly cause?: string | undefined;
  /** State bits (flavour kamailio), if given. */
  readonly bits?: number | undefined;
}

/** The last edge that others know. */
export interface PublishedState {
  readonly status: 'active' | 'inactive';
  readonly seq: number;
}

/** The table of states: every change of state goes through it. */
export interface StateTable {
  /** Applies a signal. Returns the change, or undefined when the state stays. */
  apply(signal: StateSignal): StateChange | undefined;
  /**
   * Continues from the last edge that an earlier run of the process has published about a destination. Edges are
   * numbered from there. If the destination is now usable and was not (or the reverse), that is an edge like any other,
   * which is returned. No effect after an edge of this run.
   */
  resume(destination: Destination, published: PublishedState): StateChange | undefined;
  /**
   * Sets the state that other nodes have decided, with edge number, origin and reason. An edge is raised when the
   * destination became usable or unusable; its origin is `cluster`. Returns the change, or undefined when the state
   * stays.
   */
  adopt(destination: Destination, decided: DecidedState): StateChange | undefined;
  /** Takes over the failures that another node has counted, if they are more. */
  carry(destination: Destination, failures: number): void;
  /**
   * From now on, `admits` is called before each signal, and a refused signal has no effect. Undefined: all are
   * accepted.
   */
  guard(admits: ((signal: StateSignal) => boolean) | undefined): void;
  /** Calls `listen` after each change, in order. The returned function removes the listener. */
  onChange(listen: (change: StateChange) => void): () => void;
}
