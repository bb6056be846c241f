import type { TransportName } from '../core/uri.js';
import type { Destination, HealthState } from './destination.js';
import type { FlavourName, PartitionOptions } from './options.js';
import type { RequestView } from './request-view.js';
import type { Choice, SelectFailure, SelectTarget } from './selection.js';
import type { DestinationSet, Snapshot } from './set.js';
import type { StateMark, StateSignal } from './state.js';

/**
 * The rules of a flavour for one partition: order of a set, selection, request-URI, states and probes. Each folder
 * beside this file implements it, including what the option "strict" changes. Other code must not ask which flavour it
 * is, except for functions and commands that only one module has. Rules that need no partition are in `FlavourKind`.
 */
export interface Flavour extends SetRules, SelectionRules, StateRules, ProbeRules, CallRules, SourceRules {
  readonly name: FlavourName;
  /** Socket to send from, for destinations that name none. */
  readonly defaultSocket: NamedSocket;
  /** Whether lists show the fields added in 6.x. */
  readonly showsFieldsOf6: boolean;
  /** A destination as Kamailio's dispatcher.list shows it. */
  view(destination: Destination): DestinationView;
}

/** How rows become sets. */
export interface SetRules {
  /** Whether the shares in selections by weight depend on rows and states alone; absent: they do. */
  sharesAreFixed?(set: DestinationSet): boolean;
  /**
   * Counts calls at the destinations of a set together with other processes. `counters` has the number of the counter
   * of each position in shared memory: with `writes` the numbers are written, otherwise read and used. Returns false
   * when there are not enough counters. Absent: the flavour does not count calls.
   */
  shareCalls?(set: DestinationSet, counters: Int32Array, writes: boolean): boolean;
  readonly equalPriorities: 'row order' | 'reverse row order';
  /**
   * What rows of one set with the same URI and socket are: one destination with several positions, or destinations with
   * states of their own.
   */
  readonly repeatedRows: 'one destination' | 'destinations of their own';
  /** In which order the rows of a set are compiled after one was added or removed in memory. */
  readonly editOrder: 'as listed' | 'reverse';
  /** Whether a reload by a script or by RPC keeps the states of destinations that remain. */
  readonly reloadKeepsStates: boolean;
  /** Whether a host name that does not resolve makes the reload of a table fail. */
  readonly refusesUnresolved: boolean;
  /** Whether weights may be set at run time; otherwise they are in attributes. */
  readonly weightsAtRunTime: boolean;
}

/** How a destination is selected. */
export interface SelectionRules {
  /** Selects in one set, advances its round robin and counts the hit. Returns a text when nothing can be selected. */
  choose(snapshot: Snapshot, target: SelectTarget, request: RequestView): Choice | SelectFailure;
  /** Whether flag f without "M n", in a list of sets, keeps only the chosen destination. */
  readonly listKeepsOne: boolean;
  /**
   * Whether a selection without flag f leaves the list of an earlier one in effect: the next ds_next_dst then drops its
   * first target, and a destination without a socket is sent from the socket of the earlier selection.
   */
  readonly leavesOlderSelection: boolean;
  /** Whether the list of an earlier selection remains after that of a new one. */
  readonly stacksSelections: boolean;
  /** Whether $du keeps its value from the request route in failure routes; otherwise it is empty there. */
  readonly keepsNextHop: boolean;
  /** Whether the last target is removed from the list when ds_next_dst finds no further one. */
  readonly dropsLastTarget: boolean;
  /** Rewrites the request-URI of one transaction, for each hop. */
  requestUris(): RequestUris;
  /** The request-URI to use when that of a destination cannot be written; undefined: it is unchanged. */
  readonly unwritableRequestUri: string | undefined;
  /** The value of $du for a destination. */
  nextHopOf(destination: Destination): string;
  /** Which names the socket to send from: the destination in use, or the selection that found it. */
  readonly socketOf: 'destination' | 'selection';
}

/** How ds_select_domain and ds_next_domain rewrite the request-URI. */
export interface RequestUris {
  /** Returns undefined when the URI cannot be rewritten. */
  rewrite(requestUri: string, destination: Destination): string | undefined;
}

/** The part of a signal that determines the next state. */
export interface StateWanted {
  readonly to?: HealthState | undefined;
  readonly mark?: StateMark | undefined;
}

/** How signals change states. */
export interface StateRules {
  /** Returns the state after a signal, and counts failures. Must not set the state of the health. */
  nextState(signal: StateSignal): HealthState;
  /**
   * The state that ds_mark_dst asks for; undefined when the text is refused. A text that is ignored leaves the state as
   * it is.
   */
  markOf(text: string): StateWanted | undefined;
  /**
   * Whether ds_mark_dst marks the first target of the list (none when the list is exhausted); otherwise the destination
   * used last.
   */
  readonly marksFirstOfList: boolean;
  /** Whether proceeding to the next target fails when the call no longer counts as load. */
  readonly nextNeedsCounting: boolean;
  /** Converts Kamailio's state bits (dispatcher.set_state) to a state of this flavour. */
  wantedByBits(bits: number): StateWanted;
  /** What other nodes need to know of a state besides its name; undefined if nothing. */
  stateBits(destination: Destination): number | undefined;
  /** How many more failures make an active destination unusable; at least 1. */
  failuresLeft(destination: Destination): number;
  /** Failures counted up to now toward the threshold that makes an active destination unusable. */
  failuresOf(destination: Destination): number;
  /** Takes over the failures that another node has counted, if they are more. */
  carryFailures(destination: Destination, failures: number): void;
  /** Copies the data that only this flavour keeps from one destination to its copy. */
  copyLive(from: Destination, to: Destination): void;
  /** Whether becoming usable or unusable raises Kamailio's events (event_route[dispatcher:dst-up] and dst-down). */
  readonly raisesUpDown: boolean;
}

/** Which destination a request came from. */
export interface SourceRules {
  /** Whether a destination has the source address of a request (ds_is_in_list, ds_is_from_list). */
  isFrom(partition: DestinationsByAddress, source: RequestSource, wanted: SourceWanted): boolean;
}

/** Finds the destinations of a partition by address; `Partition` implements it. */
export interface DestinationsByAddress {
  readonly options: PartitionOptions;
  readonly snapshot: Snapshot;
  destinationsAt(address: string): Iterable<Destination>;
}

/** The source of a request. */
export interface RequestSource {
  /** IP literal; IPv6 with or without brackets. */
  readonly ip: string;
  readonly port: number;
  readonly transport: TransportName;
}

/** What must match in addition to the address. */
export interface SourceWanted {
  /** undefined: any set. */
  readonly setId: number | undefined;
  /** Whether the source port must match, and the transport if the flavour compares it. */
  readonly port: boolean;
  /** Whether the destination must be active. */
  readonly active: boolean;
  /** Shell pattern that the attributes must match, if the flavour compares them. */
  readonly attrs: string | undefined;
}

/** What a destination's attributes determine about its probes. */
export interface ProbeVia {
  readonly from?: string | undefined;
  readonly socket?: string | undefined;
  readonly sockname?: string | undefined;
  /** SIP URI that the probe is sent to instead of that of the destination. */
  readonly nextHop?: string | undefined;
}

/** How a probe ended: final code; fault, if no reply came; round trip in milliseconds. */
export interface ProbeEnd {
  readonly code: number;
  readonly cause?: string | undefined;
  readonly rtt?: number | undefined;
}

/** Which destinations are probed, and what the outcomes mean. */
export interface ProbeRules {
  /** Whether a destination is to be probed now. `all`: ds_probing_mode requires to probe active ones too. */
  wantsProbe(destination: Destination, all: boolean): boolean;
  /** Whether a reply to a probe means success. `goodCodes`: options_reply_codes. */
  acceptsReply(code: number, goodCodes: ReadonlySet<number>): boolean;
  /** How to send a destination's probe; `socket`: that of the row or of ds_probing_sock. */
  probeVia(destination: Destination, socket: string | undefined): ProbeVia | undefined;
  /**
   * Updates statistics, and shares computed from them, after a probe. `set`: the set that contains the destination now.
   */
  probeEnded(destination: Destination, set: DestinationSet | undefined, end: ProbeEnd): void;
}

/** Calls that count as load of their destination. */
export interface CallRules {
  /** A call has ended. */
  endCall(callId: string): void;
  /** Removes calls that have expired. */
  expireCalls(): void;
  /** The number of calls at a destination; undefined where calls do not count as load. */
  loadOf(destination: Destination): DestinationLoad | undefined;
  /**
   * Sets how many calls other nodes have at a destination, and the most calls that this node may have until their next
   * report; undefined: no bound.
   */
  shareLoad(destination: Destination, elsewhere: number, share: number | undefined): void;
  /** Whether the end of a dialog ends its call even if the script does not call ds_load_unset. */
  readonly endsCallsItself: boolean;
}

/**
 * Calls at a destination: of this node; the most this node may have, considering the other nodes; and the most of all
 * nodes (0: no bound).
 */
export interface DestinationLoad {
  readonly load: number;
  readonly share: number | undefined;
  readonly maxload: number;
}

/** A local socket by name or description; the name takes precedence. */
export interface NamedSocket {
  readonly sockname?: string | undefined;
  readonly socket?: string | undefined;
}

/** A destination as Kamailio's tools show it. */
export interface DestinationView {
  /** "AX", "IP" etc. */
  readonly letters: string;
  /** The state as bits. */
  readonly bits: number;
  /** Good or bad answers counted toward a threshold. */
  readonly probingCount: number;
  /** Calls in progress; undefined where calls do not count as load. */
  readonly load: number | undefined;
  readonly attributes: AttributesView;
  readonly latency: LatencyView | undefined;
  readonly overload: OverloadView | undefined;
}

/** Kamailio attributes, as commands show them. */
export interface AttributesView {
  readonly duid: string | undefined;
  readonly maxload: number;
  readonly weight: number;
  readonly rweight: number;
  readonly socket: string | undefined;
  readonly sockname: string | undefined;
  readonly obproxy: string | undefined;
  readonly pingSocket: string | undefined;
  readonly ocMin: number;
  readonly ocMax: number;
}

/** In milliseconds. */
export interface LatencyView {
  readonly average: number;
  readonly deviation: number;
  readonly estimate: number;
  readonly max: number;
  readonly timeouts: number;
}

/** Overload control of a destination, as commands show it. */
export interface OverloadView {
  /** Percentage of calls that are refused. */
  readonly rate: number;
  readonly min: number;
  readonly max: number;
  readonly sequence: number;
  /** Number of decisions since the last report of the gateway, modulo 100. */
  readonly index: number;
  /** Clock.monotonic() in milliseconds until which the report is valid; 0: there was none. */
  readonly until: number;
}
