import type { SipUri, TransportName } from '../core/uri.js';
import type { Destination, DestinationRow, ResolvedAddress } from './destination.js';
import type { Flavour } from './flavour.js';
import type { PartitionOptions } from './options.js';
import type { Snapshot } from './set.js';

/** A row that was not loaded, and why. */
export interface Discarded {
  readonly row: string;
  readonly reason: string;
  /** Where it stands, as far as that is known. */
  readonly at?: RowPosition | undefined;
}

/** Where a row stands in its table or file. */
export interface RowPosition {
  /** Primary key. */
  readonly id?: number | string | undefined;
  /** Line of a file, from 1. */
  readonly line?: number | undefined;
  /** Documented name of the column that is at fault. */
  readonly column?: string | undefined;
  readonly setId?: number | undefined;
  readonly uri?: string | undefined;
}

/** How the reason of a row ends whose host name does not resolve. */
export const UNRESOLVED = 'does not resolve';

/** What a (re)load did; destinations are named by "set uri". */
export interface LoadReport {
  readonly loaded: number;
  readonly discarded: readonly Discarded[];
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/** How a load is to be done. */
export interface LoadOptions {
  /** Keep the state of destinations that are still there; with false it is taken from the rows again. */
  readonly inheritState: boolean;
  /** Attributes that scripts attached to destinations at run time are lost, as with each reload from the table. */
  readonly dropScriptAttrs?: boolean;
  /** Examines the compiled rows before they are taken over, and may throw: the old data then stay. */
  readonly check?: (report: LoadReport) => void;
  /** Report what would be done, change nothing. */
  readonly dryRun?: boolean;
  /**
   * Addresses of a host that is not an IP literal; undefined or none: the row is discarded as not resolvable. Without
   * this function such rows are loaded with no addresses (they are filled in by whoever resolves names).
   */
  readonly resolve?: (uri: SipUri, transport: TransportName) => readonly ResolvedAddress[] | undefined;
  /**
   * With `inheritState` false: whether a destination's state was changed after the rows were read. It is then newer than
   * the row's, and kept.
   */
  readonly isNewer?: (destination: Destination) => boolean;
}

/** A tenant: its options and its current snapshot, replaced in one assignment. */
export interface Partition {
  readonly name: string;
  readonly options: PartitionOptions;
  readonly snapshot: Snapshot;
  /** The rules of its flavour. Another object after a change of settings to another flavour. */
  readonly flavour: Flavour;
  /**
   * Compiles rows separately and swaps them in. Destinations that are still there keep their Health object; with
   * `inheritState` false their state is taken from the rows again. Never throws for a bad row: it is in the report.
   */
  load(rows: readonly DestinationRow[], options: LoadOptions): LoadReport;
  /**
   * The same in slices: awaits `pause` between them, so that calls go on while many rows are compiled. The snapshot is
   * swapped in one step at the end. Loads of one partition run one after the other.
   */
  loadInSlices(rows: readonly DestinationRow[], options: LoadOptions, pause: () => Promise<void>): Promise<LoadReport>;
  /**
   * From now on round robin begins at this part (0 to below 1) of each set, and of sets that a later load adds. So several
   * nodes do not begin with the same destination.
   */
  beginAt(part: number): void;
  /** The destination of a row URI: compared without case over the whole URI as stored. */
  find(setId: number, uri: string): Destination | undefined;
  /** All of them: one URI may occur with two sockets, or in two rows. In order of position. */
  findAll(setId: number, uri: string): readonly Destination[];
  /** Destinations that have this address (as canonicalIp gives it), in no particular order. */
  destinationsAt(address: string): readonly Destination[];
  /** Destinations whose host is a name rather than an address, in no particular order. */
  named(): readonly Destination[];
}

/** Why there is no partition of a name, '' being the default one's. */
export function unknownPartition(name: string): string {
  return name === '' ? 'no partition is named, and none is the default one' : `no partition "${name}"`;
}
