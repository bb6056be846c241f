import type { TransportName } from '../core/uri.js';

/** Only `active` destinations are selected. `inactive`: switched off by an operator; `probing`: failed, being watched. */
export type HealthState = 'active' | 'inactive' | 'probing';

/** One destination as given by a table, a file or an MI command: validated, not yet compiled. */
export interface DestinationRow {
  /** Primary key of the row where there is one; states are written back by it. */
  readonly rowId?: number | string | undefined;
  readonly setId: number;
  /** SIP URI exactly as stored: this form is probed, matched and listed. */
  readonly uri: string;
  /** Socket description "proto:host:port" of the local socket to send from; '' for any. */
  readonly socket: string;
  /** Name of that socket (flavour kamailio), which wins over `socket`. */
  readonly sockname?: string | undefined;
  readonly state: HealthState;
  readonly probeMode: number;
  /** Default 1. 0 is allowed. With a `weightFeed`: where it starts from. */
  readonly weight: number;
  /** Address of the server that reports the weight at run time. Holds a password: never to be logged or listed. */
  readonly weightFeed?: string | undefined;
  /** Default 0; higher comes first. */
  readonly priority: number;
  /** Opaque attributes string. */
  readonly attrs: string;
  readonly description: string;
  /** Kamailio's flags column; 0 for OpenSIPS tables. */
  readonly flags?: number;
}

/** An address a destination's host resolves to. */
export interface ResolvedAddress {
  readonly family: 4 | 6;
  /** IP literal without brackets. */
  readonly address: string;
  readonly port: number;
  readonly transport: TransportName;
}

/** Result of the last probe of a destination; times are milliseconds of Clock.now(). */
export interface ProbeResult {
  readonly time: number;
  readonly ok: boolean;
  /** Final status code; 408 when the probe's own deadline passed. */
  readonly code: number;
  /** Cause beyond the code: "timeout", "refused", "tls", "dns", "send"; undefined for an ordinary reply. */
  readonly cause?: string | undefined;
  /** Round trip in milliseconds, undefined when nothing came back. */
  readonly rtt?: number | undefined;
}

/**
 * Live state of one destination: mutable, written only by the StateTable, shared by all snapshots that contain the same
 * destination (partition + set + URI + socket), so that a reload keeps it.
 */
export interface Health {
  state: HealthState;
  /** Consecutive failures counted toward the probing threshold. */
  failures: number;
  /** Selections that chose this destination first (ds_list: first_hit_counter). */
  hits: number;
  /** Number of usability edges so far: `seq` of the last event about it. */
  seq: number;
  /** Who changed the state last, when and why; undefined while it is as loaded. */
  lastChange?: LastChange | undefined;
  lastProbe?: ProbeResult | undefined;
  /** Weight set at run time, instead of the row's; written by Engine.setWeight alone. */
  weight?: number | undefined;
  /** The state column must be written back. */
  dirty: boolean;
  /** Attributes a script or operator attached at run time (ds_push_script_attrs). */
  scriptAttrs?: string | undefined;
  /** What only its flavour's rules know of it; undefined until they need it. */
  own?: object | undefined;
  /** Shared by the destinations of one set; the state table moves it on so that compiled sets notice. */
  readonly availability?: Availability | undefined;
}

/** Time in milliseconds since the epoch; status code and cause as of the signal, where it had any. */
export interface LastChange {
  readonly time: number;
  readonly reason: string;
  readonly origin: SignalOrigin;
  readonly code?: number | undefined;
  readonly cause?: string | undefined;
}

/** What the destinations of one set share, over all loads. */
export interface Availability {
  /** Grows whenever one of them becomes usable or stops being usable. */
  version: number;
  /** Grows whenever one of them is given another weight at run time. */
  weights?: number;
  /** Shared by the whole partition: grows whenever a host name resolves to something else. */
  readonly resolutions?: { version: number };
}

/** Who asks for a change of state. */
export type SignalOrigin = 'probe' | 'traffic' | 'mi' | 'script' | 'cluster' | 'store';

/** One compiled destination of a snapshot: everything but `health` (live) and `resolved` (refreshed by DNS) is fixed. */
export interface Destination {
  /** Stable identity: partition, set, URI and socket; never weight, attributes or order. */
  readonly key: string;
  readonly partition: string;
  readonly setId: number;
  /** Position in its set. */
  readonly index: number;
  /** Number of the row among all that were ever loaded, 1 for the first; each load counts on. */
  readonly serial: number;
  readonly row: DestinationRow;
  /** URI that is dialled: without user, password and headers. */
  readonly dialUri: string;
  readonly scheme: 'sip' | 'sips';
  /** Host as written, IPv6 reference with brackets. */
  readonly host: string;
  /** Port as written, undefined when the URI has none. */
  readonly port: number | undefined;
  /** URI parameters with leading ";", '' for none. */
  readonly params: string;
  readonly transport: TransportName;
  readonly health: Health;
  /** Addresses the host resolved to at load or since. */
  resolved: readonly ResolvedAddress[];
}
