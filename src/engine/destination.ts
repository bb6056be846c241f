import type { TransportName } from '../core/uri.js';

/**
 * Only `active` destinations are selected. `inactive`: switched off by an operator; `probing`: failed, and probed until
 * it answers.
 */
export type HealthState = 'active' | 'inactive' | 'probing';

/** One destination as read from a table, a file or a management command: valid, but not compiled. */
export interface DestinationRow {
  /** Primary key of the row, if it has one; the state is written back to that row. */
  readonly rowId?: number | string | undefined;
  readonly setId: number;
  /** SIP URI as stored; in this form it is probed, searched and listed. */
  readonly uri: string;
  /** Local socket to send from, "proto:host:port"; '' for any. */
  readonly socket: string;
  /** Name of the socket (flavour kamailio); takes precedence over `socket`. */
  readonly sockname?: string | undefined;
  readonly state: HealthState;
  readonly probeMode: number;
  /** Default 1; 0 is allowed. With a `weightFeed`, the weight before the first report. */
  readonly weight: number;
  /**
   * Address of the server that reports the weight at run time. It contains a password, so it must not be logged or
   * listed.
   */
  readonly weightFeed?: string | undefined;
  /** Default 0; higher values are chosen first. */
  readonly priority: number;
  /** Attributes of the destination, a text that only scripts and algorithms interpret. */
  readonly attrs: string;
  readonly description: string;
  /** Kamailio's flags column; 0 in OpenSIPS tables. */
  readonly flags?: number;
}

/** An address to which a destination's host resolves. */
export interface ResolvedAddress {
  readonly family: 4 | 6;
  /** IP literal without brackets. */
  readonly address: string;
  readonly port: number;
  readonly transport: TransportName;
}

/** Result of a destination's last probe; times are in milliseconds of Clock.now(). */
export interface ProbeResult {
  readonly time: number;
  readonly ok: boolean;
  /** Final status code; 408 when no reply came in time. */
  readonly code: number;
  /**
   * Cause in addition to the code: "timeout", "refused", "tls", "dns", "send"; undefined for a reply of the gateway.
   */
  readonly cause?: string | undefined;
  /** Round trip in milliseconds; undefined when no reply came. */
  readonly rtt?: number | undefined;
}

/**
 * State of one destination at run time. Only the StateTable writes it. All snapshots that contain the destination (same
 * partition, set, URI and socket) share one object, so that a reload keeps it.
 */
export interface Health {
  state: HealthState;
  /** Consecutive failures, counted up to the probing threshold. */
  failures: number;
  /** Selections that chose this destination first (ds_list: first_hit_counter). */
  hits: number;
  /** How often it became usable or unusable; also the `seq` of the last event about it. */
  seq: number;
  /** Who changed the state last, when and why; undefined while the state is that of the row. */
  lastChange?: LastChange | undefined;
  lastProbe?: ProbeResult | undefined;
  /** Weight set at run time, used instead of that of the row; only Engine.setWeight writes it. */
  weight?: number | undefined;
  /** Whether the state must be written back to the table. */
  dirty: boolean;
  /** Attributes that a script or operator added at run time (ds_push_script_attrs). */
  scriptAttrs?: string | undefined;
  /** Data that only its flavour's rules use; undefined until they need it. */
  own?: object | undefined;
  /**
   * Shared by the destinations of one set. The state table increments its version, by which compiled sets notice
   * changes.
   */
  readonly availability?: Availability | undefined;
}

/** `time` in milliseconds since the epoch; code and cause of the signal, if it had them. */
export interface LastChange {
  readonly time: number;
  readonly reason: string;
  readonly origin: SignalOrigin;
  readonly code?: number | undefined;
  readonly cause?: string | undefined;
}

/** Versions that the destinations of one set share, across all loads. */
export interface Availability {
  /** Incremented when one of them becomes usable or unusable. */
  version: number;
  /** Incremented when the weight of one of them changes at run time. */
  weights?: number;
  /** Shared by the whole partition: incremented when a host name resolves to other addresses. */
  readonly resolutions?: { version: number };
}

/** Who requests a change of state. */
export type SignalOrigin = 'probe' | 'traffic' | 'mi' | 'script' | 'cluster' | 'store';

/** One destination of a snapshot. Only `health` and `resolved` change after the load. */
export interface Destination {
  /** Identity: partition, set, URI and socket; not weight, attributes or order. */
  readonly key: string;
  readonly partition: string;
  readonly setId: number;
  /** Position in its set. */
  readonly index: number;
  /** Serial number of the row among all rows ever loaded, from 1; it increases with each load. */
  readonly serial: number;
  readonly row: DestinationRow;
  /** The URI that requests are sent to: without user, password and headers. */
  readonly dialUri: string;
  readonly scheme: 'sip' | 'sips';
  /** Host as written, IPv6 in brackets. */
  readonly host: string;
  /** Port as written, undefined when the URI has none. */
  readonly port: number | undefined;
  /** URI parameters with leading ";", '' for none. */
  readonly params: string;
  readonly transport: TransportName;
  readonly health: Health;
  /** Current addresses of the host. */
  resolved: readonly ResolvedAddress[];
}
