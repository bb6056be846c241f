import type { SipUri, TransportName } from '../core/uri.js';
import type { Destination, DestinationRow, ResolvedAddress } from './destination.js';
import type { Flavour } from './flavour.js';
import type { PartitionOptions } from './options.js';
import type { Snapshot } from './set.js';

/** A row that was not loaded, and why. */
export interface Discarded {
  readonly row: string;
  readonly reason: string;
  /** Where the row is, as far as known. */
  readonly at?: RowPosition | undefined;
}

/** Position of a row in its table or file. */
export interface RowPosition {
  /** Primary key. */
  readonly id?: number | string | undefined;
  /** Line number in a file, from 1. */
  readonly line?: number | undefined;
  /** Documented name of the wrong column. */
  readonly column?: string | undefined;
  readonly setId?: number | undefined;
  readonly uri?: string | undefined;
}

/** How the reason ends when a row's host name does not resolve. */
export const UNRESOLVED = 'does not resolve';

/** What a (re)load did; destinations are written as "set uri". */
export interface LoadReport {
  readonly loaded: number;
  readonly discarded: readonly Discarded[];
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/** Options of a load. */
export interface LoadOptions {
  /** Whether destinations that remain keep their state; otherwise it is read from the rows. */
  readonly inheritState: boolean;
  /** Whether attributes set by scripts at run time are removed, as a reload from the table does. */
  readonly dropScriptAttrs?: boolean;
  /** Checks the compiled rows before they come into use; when it throws, the old data stay. */
  readonly check?: (report: LoadReport) => void;
  /** Whether to report only, and change nothing. */
  readonly dryRun?: boolean;
  /**
   * Returns the addresses of a host name; undefined or none: the row is discarded. If this function is absent, such
   * rows are loaded without addresses, which must be set later.
   */
  readonly resolve?: (uri: SipUri, transport: TransportName) => readonly ResolvedAddress[] | undefined;
  /**
   * For `inheritState` false: whether a destination's state was changed after the rows were read. Such a state is newer
   * than the row's, and is kept.
   */
  readonly isNewer?: (destination: Destination) => boolean;
}

/** A partition: its options and its current snapshot, which each load replaces in one assignment. */
export interface Partition {
  readonly name: string;
  readonly options: PartitionOptions;
  readonly snapshot: Snapshot;
  /** The rules of its flavour; another object after the flavour was changed in the settings. */
  readonly flavour: Flavour;
  /**
   * Compiles rows and then replaces the snapshot. Destinations that remain keep their Health object; with
   * `inheritState` false their state is read from the rows. Never throws because of a bad row, which is in the report.
   */
  load(rows: readonly DestinationRow[], options: LoadOptions): LoadReport;
  /**
   * Does the same in slices and awaits `pause` between them, so that calls are handled while many rows are compiled.
   * The snapshot is replaced at the end in one step. Loads of one partition run one after the other.
   */
  loadInSlices(rows: readonly DestinationRow[], options: LoadOptions, pause: () => Promise<void>): Promise<LoadReport>;
  /**
   * Sets where round robin begins in each set, also in sets loaded later: at a fraction (0 to below 1) of the set. With
   * different fractions, several nodes begin with different destinations.
   */
  beginAt(part: number): void;
  /** The destination with a row URI; the URI is compared as stored but without case. */
  find(setId: number, uri: string): Destination | undefined;
  /** All destinations with a row URI, in order of position: one URI may occur with two sockets, or in two rows. */
  findAll(setId: number, uri: string): readonly Destination[];
  /** The destinations with an address (in the form of canonicalIp), in any order. */
  destinationsAt(address: string): readonly Destination[];
  /** The destinations whose host is a name, in any order. */
  named(): readonly Destination[];
}

/** Error text for an unknown partition; '' is the name of the default one. */
export function unknownPartition(name: string): string {
  return name === '' ? 'no partition is named, and there is no default partition' : `no partition "${name}"`;
}
