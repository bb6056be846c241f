import type { Clock } from '../../core/clock.js';
import type { Destination } from '../../engine/destination.js';
import type { DispatchContext } from '../../engine/dispatch-context.js';
import type { Engine } from '../../engine/engine.js';
import type { RequestView } from '../../engine/request-view.js';
import type { PvarScope } from '../../pvar/context.js';
import type { Format } from '../../pvar/format.js';
import type { LocalSockets } from '../../sip/local-sockets.js';

/** Counters of selections by partition. */
export interface SelectionTally {
  selected(partition: string): void;
  failed(partition: string): void;
}

/** The parts of the program that the dispatcher's functions use. */
export interface DispatcherEnvironment {
  readonly engine: Engine;
  readonly sockets: LocalSockets;
  readonly tally: SelectionTally;
  readonly clock: Clock;
  /** setid_pvar: variable into which ds_is_in_list and ds_is_from_list write the set of the match. */
  readonly setidPvar: Format | undefined;
  /** attrs_pvname: variable into which ds_is_from_list writes the attributes of the match. */
  readonly attrsPvar?: Format | undefined;
  /** force_dst: whether ds_select_dst of a Kamailio partition overwrites an existing $du; default true. */
  readonly forceDst?: boolean | undefined;
  /** Flags of selections that give none, set by modparam in files of OpenSIPS 1.x. */
  readonly selectFlags?: string | undefined;
  /** Starts loading a partition again (ds_reload); false when that is not allowed now. Absent: never allowed. */
  readonly reload?: ((partition: string) => boolean) | undefined;
  /** Name of the AVP in a partition's script_attrs_avp. */
  readonly scriptAttrsAvp?: ((partition: string) => string | undefined) | undefined;
}

/** A further branch of a selection with several targets (Kamailio's algorithm 12). */
export interface ExtraTarget {
  readonly requestUri: string;
  /** Next hop; undefined: the request-URI. */
  readonly destinationUri: string | undefined;
  /** Description of the socket to send from. */
  readonly sendSocket: string | undefined;
  readonly destination: Destination;
}

/**
 * One request, with what its routes share, as a selection reads and writes it. Both script languages implement it:
 * `ScriptCall` for JavaScript, `Call` for cfg files.
 */
export interface SelectingCall {
  readonly env: DispatcherEnvironment;
  readonly pvars: PvarScope;
  /** The request as the engine sees it. */
  readonly view: RequestView;
  readonly dispatch: DispatchContext;
  /** The current request-URI. */
  readonly requestUri: string;
  /** Status of the reply that the route handles. */
  readonly replyCode: number | undefined;
  /** Writes $du. */
  sendTo(uri: string): void;
  /**
   * The request-URI now contains the address of a destination that is reached by `dialUri`; the text of the request-URI
   * may not show the transport.
   */
  leadsTo(requestUri: string, dialUri: string): void;
  /** Sets the socket to send from by its description; undefined: chosen by transport and address family. */
  sendFrom(socket: string | undefined): void;
  /** Adds a branch that gets the request in addition. False when there are too many. */
  addTarget(target: ExtraTarget): boolean;
}

/** The execution of a route, for functions that use no selection. */
export interface DispatcherSite {
  readonly env: DispatcherEnvironment;
  readonly pvars: PvarScope;
  /** Logs, limited in rate, why the arguments of a function are refused. Returns -1, the result of the function. */
  refused(name: string, reason: string): number;
}
