import type { Clock } from '../../core/clock.js';
import type { Destination } from '../../engine/destination.js';
import type { DispatchContext } from '../../engine/dispatch-context.js';
import type { Engine } from '../../engine/engine.js';
import type { RequestView } from '../../engine/request-view.js';
import type { PvarScope } from '../../pvar/context.js';
import type { Format } from '../../pvar/format.js';
import type { LocalSockets } from '../../sip/local-sockets.js';

/** Counters of what was selected, by partition. */
export interface SelectionTally {
  selected(partition: string): void;
  failed(partition: string): void;
}

/** What the dispatcher's functions need of the program. */
export interface DispatcherEnvironment {
  readonly engine: Engine;
  readonly sockets: LocalSockets;
  readonly tally: SelectionTally;
  readonly clock: Clock;
  /** setid_pvar: where ds_is_in_list and ds_is_from_list write the set they found. */
  readonly setidPvar: Format | undefined;
  /** attrs_pvname: where ds_is_from_list writes the attributes of what it found. */
  readonly attrsPvar?: Format | undefined;
  /** force_dst: ds_select_dst of a kamailio partition overwrites a $du that is there; default true. */
  readonly forceDst?: boolean | undefined;
  /** Flag letters of selections that name none: what files of OpenSIPS 1.x say by modparam. */
  readonly selectFlags?: string | undefined;
  /** Begins to load a partition anew (ds_reload); false while it may not. Absent: it never may. */
  readonly reload?: ((partition: string) => boolean) | undefined;
  /** script_attrs_avp of a partition, as a name. */
  readonly scriptAttrsAvp?: ((partition: string) => string | undefined) | undefined;
}

/** A branch of a selection with several targets (Kamailio's algorithm 12). */
export interface ExtraTarget {
  readonly requestUri: string;
  /** Next hop; undefined: where the request-URI says. */
  readonly destinationUri: string | undefined;
  /** Description of the socket to send from. */
  readonly sendSocket: string | undefined;
  readonly destination: Destination;
}

/**
 * One request with all that its routes share, as a selection reads and writes it. Both script languages implement it:
 * `ScriptCall` for JavaScript, `Call` for cfg files.
 */
export interface SelectingCall {
  readonly env: DispatcherEnvironment;
  readonly pvars: PvarScope;
  /** The request as the engine looks at it. */
  readonly view: RequestView;
  readonly dispatch: DispatchContext;
  /** The request-URI in its present form. */
  readonly requestUri: string;
  /** Status of the reply that the route is called for. */
  readonly replyCode: number | undefined;
  /** Writes $du. */
  sendTo(uri: string): void;
  /** The request-URI has the address of a destination that is dialled by `dialUri`: its scheme may not show that. */
  leadsTo(requestUri: string, dialUri: string): void;
  /** Sends from the socket of this description; undefined: chosen by transport and family. */
  sendFrom(socket: string | undefined): void;
  /** Adds a branch to which the request goes besides. False when it does not fit. */
  addTarget(target: ExtraTarget): boolean;
}

/** A route at work: what a function that looks at no selection needs. */
export interface DispatcherSite {
  readonly env: DispatcherEnvironment;
  readonly pvars: PvarScope;
  /** Logs, rate limited, why the arguments of a function are refused. Returns -1, what the function then returns. */
  refused(name: string, reason: string): number;
}
