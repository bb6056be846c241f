import type { TransportName } from '../core/uri.js';
import type { Destination, HealthState } from './destination.js';
import type { FlavourName, PartitionOptions } from './options.js';
import type { RequestView } from './request-view.js';
import type { Choice, SelectFailure, SelectTarget } from './selection.js';
import type { DestinationSet, Snapshot } from './set.js';
import type { StateMark, StateSignal } from './state.js';

/**
 * What a flavour decides about one partition: the order of a set, the choice in it, the request-URI, states and probes.
 * Each folder beside this file implements it; what "strict" changes stays inside. Nothing outside asks which flavour it is,
 * but for functions and commands that only one module has. What it says without a partition is in `FlavourKind`.
 */
export interface Flavour extends SetRules, SelectionRules, StateRules, ProbeRules, CallRules, SourceRules {
  readonly name: FlavourName;
  /** Socket to send from for destinations that name none. */
  readonly defaultSocket: NamedSocket;
  /** Whether lists have the fields that came with 6.x. */
  readonly showsFieldsOf6: boolean;
  /** A destination as Kamailio's dispatcher.list shows it. */
  view(destination: Destination): DestinationView;
}

/** How rows become sets. */
export interface SetRules {
  /** Whether what selections by weight choose follows from rows and states alone; absent: it does. */
  sharesAreFixed?(set: DestinationSet): boolean;
  readonly equalPriorities: 'row order' | 'reverse row order';
  /** Rows of one set with the same URI and socket: one destination in several positions, or each with its own state. */
  readonly repeatedRows: 'one destination' | 'destinations of their own';
  /** Order in which the rows of a set are compiled again after one was added or removed in memory. */
  readonly editOrder: 'as listed' | 'reverse';
  /** Whether a reload that a script or the RPC asks for keeps the states of destinations that stay. */
  readonly reloadKeepsStates: boolean;
  /** Whether a reload from a table with a host name that does not resolve is refused as a whole. */
  readonly refusesUnresolved: boolean;
  /** Whether weights may be set at run time; else they are attributes. */
  readonly weightsAtRunTime: boolean;
}

/** How a destination is chosen. */
export interface SelectionRules {
  /** Chooses in one set, moving its round robin and its hit counter on. A string says why there is no choice. */
  choose(snapshot: Snapshot, target: SelectTarget, request: RequestView): Choice | SelectFailure;
  /** In a list of sets, flag f without "M n" keeps the chosen destination alone. */
  readonly listKeepsOne: boolean;
  /**
   * A selection without flag f leaves the list of an earlier one, whose first target the next ds_next_dst drops; a
   * destination without a socket leaves that of an earlier selection.
   */
  readonly leavesOlderSelection: boolean;
  /** The list of an earlier selection stays after that of a new one. */
  readonly stacksSelections: boolean;
  /** $du stays in failure routes as the request route left it; else it is empty there. */
  readonly keepsNextHop: boolean;
  /** The last target leaves the list when a next one is asked for and there is none. */
  readonly dropsLastTarget: boolean;
  /** Rewrites the Request-URI of one transaction, hop after hop. */
  requestUris(): RequestUris;
  /** The request-URI that is left where a destination cannot be written into it; undefined: it stays as it is. */
  readonly unwritableRequestUri: string | undefined;
  /** What $du becomes. */
  nextHopOf(destination: Destination): string;
  /** Whether the destination in use names the socket to send from, or the selection that found it. */
  readonly socketOf: 'destination' | 'selection';
}

/** What ds_select_domain and ds_next_domain do to the Request-URI. */
export interface RequestUris {
  /** Undefined where it cannot be rewritten. */
  rewrite(requestUri: string, destination: Destination): string | undefined;
}

/** The part of a signal that decides the next state. */
export interface StateWanted {
  readonly to?: HealthState | undefined;
  readonly mark?: StateMark | undefined;
}

/** How states follow from signals. */
export interface StateRules {
  /** The state that follows a signal; counts failures on the way. Must not set the health's state. */
  nextState(signal: StateSignal): HealthState;
  /** The state ds_mark_dst asks for; undefined where the text is refused. A text that is ignored asks for no change. */
  markOf(text: string): StateWanted | undefined;
  /**
   * ds_mark_dst marks the first target of the list, none once the list is exhausted; else the destination used last.
   */
  readonly marksFirstOfList: boolean;
  /** Going on to the next target fails for a call that counts as load no longer. */
  readonly nextNeedsCounting: boolean;
  /** Kamailio's state bits (dispatcher.set_state), as this flavour can hold them. */
  wantedByBits(bits: number): StateWanted;
  /** What another node needs to know of a state besides its name; undefined for nothing. */
  stateBits(destination: Destination): number | undefined;
  /** Failures that switch an active destination off, at least 1. */
  failuresLeft(destination: Destination): number;
  /** Failures counted toward the threshold that switches an active destination off. */
  failuresOf(destination: Destination): number;
  /** Goes on counting where another node stopped: the higher count holds. */
  carryFailures(destination: Destination, failures: number): void;
  /** Gives a destination what only this flavour keeps of another: it is a copy of that one. */
  copyLive(from: Destination, to: Destination): void;
  /** A change of usability raises Kamailio's event (event_route[dispatcher:dst-up] and dst-down). */
  readonly raisesUpDown: boolean;
}

/** Which destination a request comes from. */
export interface SourceRules {
  /** Whether the source of a request is a destination (ds_is_in_list, ds_is_from_list). */
  isFrom(partition: DestinationsByAddress, source: RequestSource, wanted: SourceWanted): boolean;
}

/** What a partition knows its destinations by; `Partition` is one. */
export interface DestinationsByAddress {
  readonly options: PartitionOptions;
  readonly snapshot: Snapshot;
  destinationsAt(address: string): Iterable<Destination>;
}

/** Where a request came from. */
export interface RequestSource {
  /** IP literal, an IPv6 one with or without brackets. */
  readonly ip: string;
  readonly port: number;
  readonly transport: TransportName;
}

/** What must agree beside the address. */
export interface SourceWanted {
  /** undefined: any set. */
  readonly setId: number | undefined;
  /** Whether the port it came from counts, and where the flavour compares it the transport. */
  readonly port: boolean;
  /** Whether the destination must be active. */
  readonly active: boolean;
  /** Shell pattern for its attributes, where the flavour compares them. */
  readonly attrs: string | undefined;
}

/** What the attributes of a destination say of its probes. */
export interface ProbeVia {
  readonly from?: string | undefined;
  readonly socket?: string | undefined;
  readonly sockname?: string | undefined;
  /** SIP URI the probe is sent by way of. */
  readonly nextHop?: string | undefined;
}

/** How a probe ended: the final code, the fault where no reply came, the round trip in milliseconds. */
export interface ProbeEnd {
  readonly code: number;
  readonly cause?: string | undefined;
  readonly rtt?: number | undefined;
}

/** Which destinations are probed, and the effect of the results. */
export interface ProbeRules {
  /** Whether a destination is probed now. `all`: ds_probing_mode wants active ones probed too. */
  wantsProbe(destination: Destination, all: boolean): boolean;
  /** Whether a reply to a probe is a good one. `goodCodes`: options_reply_codes. */
  acceptsReply(code: number, goodCodes: ReadonlySet<number>): boolean;
  /** How the probe of a destination goes out; `socket`: what its row or ds_probing_sock says. */
  probeVia(destination: Destination, socket: string | undefined): ProbeVia | undefined;
  /** A probe ended: statistics, and what shares follow from them. `set`: the set it is in now. */
  probeEnded(destination: Destination, set: DestinationSet | undefined, end: ProbeEnd): void;
}

/** Calls that count as load of their destination. */
export interface CallRules {
  /** A call has ended. */
  endCall(callId: string): void;
  /** Forgets calls that have expired. */
  expireCalls(): void;
  /** Calls of a destination that count as load; undefined where none do. */
  loadOf(destination: Destination): DestinationLoad | undefined;
  /**
   * Takes over what other nodes have of a destination's calls, and how many calls this one may have at most until it
   * receives their count again; undefined: no such bound.
   */
  shareLoad(destination: Destination, elsewhere: number, share: number | undefined): void;
  /** A dialog that ends also ends its call without a script saying so (ds_load_unset). */
  readonly endsCallsItself: boolean;
}

/** Calls of this node at a destination, how many it may have at most beside other nodes, and all nodes together (0: any). */
export interface DestinationLoad {
  readonly load: number;
  readonly share: number | undefined;
  readonly maxload: number;
}

/** A local socket by its name or its description; the name wins. */
export interface NamedSocket {
  readonly sockname?: string | undefined;
  readonly socket?: string | undefined;
}

/** What Kamailio's tools show of a destination. */
export interface DestinationView {
  /** "AX", "IP" and so on. */
  readonly letters: string;
  /** The same as bits. */
  readonly bits: number;
  /** Good or bad answers counted toward a threshold. */
  readonly probingCount: number;
  /** Calls in progress; undefined where no load is kept. */
  readonly load: number | undefined;
  readonly attributes: AttributesView;
  readonly latency: LatencyView | undefined;
  readonly overload: OverloadView | undefined;
}

/** Attributes of a destination of Kamailio, as commands show them. */
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

/** Milliseconds. */
export interface LatencyView {
  readonly average: number;
  readonly deviation: number;
  readonly estimate: number;
  readonly max: number;
  readonly timeouts: number;
}

/** Overload control of a destination, as commands show it. */
export interface OverloadView {
  /** Percent of calls refused. */
  readonly rate: number;
  readonly min: number;
  readonly max: number;
  readonly sequence: number;
  /** Decisions made while an announcement holds, modulo 100. */
  readonly index: number;
  /** Milliseconds of Clock.monotonic() until which it holds; 0 for never. */
  readonly until: number;
}
