import type { AuditTrail } from '../../access/audit.js';
import type { ActiveFocus, Focus } from '../../core/log-focus.js';
import type { Destination, DestinationRow } from '../../engine/destination.js';
import type { LoadReport, Partition } from '../../engine/partition.js';
import type { StateTable } from '../../engine/state.js';
import type { EventPublisher } from '../../events/publisher.js';
import type { MiValue } from './command.js';

/** What the commands need from the rest of the product; the daemon's assembly provides it. */
export interface MiDependencies {
  /** In order of definition. Called for each command, since a reload of the settings may change the partitions. */
  partitions(): readonly Partition[];
  /** The partition for calls that name none; undefined: there is no default partition. */
  defaultPartition(): Partition | undefined;
  readonly states: StateTable;
  readonly dispatcher: DispatcherControl;
  readonly process: ProcessInfo;
  readonly statistics: StatisticsSource;
  readonly events: EventSubscriptions;
  /** Raises an event with the given parameters. */
  raiseEvent(name: string, params: Readonly<Record<string, string | number>>): void;
  readonly blacklists: BlacklistQueries;
  readonly reports: StatusReports;
  /** The cluster of this node when it is loaded; undefined: not in a cluster. */
  cluster?(): ClusterControl | undefined;
  readonly log: LogLevelControl;
  readonly calls: CallRecords;
  readonly traces: Traces;
  /** Whether this process listens on a socket that a destination names; absent: unknown. */
  listens?(socket: string): boolean;
  /** Where a request goes by the rules or the script, and why. Throws SwitchyardError USAGE for an invalid request. */
  explain(
    request: string,
    source: string | undefined,
    sees: ((partition: string) => boolean) | undefined,
    assumed: Assumed | undefined,
  ): MiValue | Promise<MiValue>;
  /** Whether a script, and not rules, decides where requests go. */
  scripted(): boolean;
  readonly audit: Pick<AuditTrail, 'recent'>;
  /** Commands of the modules in a configuration file; undefined without such a file. */
  readonly script?: ScriptCommandTable | undefined;
  /** Reads the settings file again; undefined where a program supplied the settings. */
  readonly settings?: SettingsControl | undefined;
}

/** A management command of a module in a configuration file, for MI, RPC or both. */
export interface ScriptCommandSpec {
  readonly module: string;
  /** MI name such as "dlg_list"; undefined: not available over MI. */
  readonly mi?: string;
  /** RPC name such as "dlg.list"; undefined: not available over RPC. */
  readonly rpc?: string;
  readonly help: string;
  /** Whether the command changes something. */
  readonly changes: boolean;
  /** Names of the parameters; those from index `required` on are optional. */
  readonly parameters: readonly string[];
  readonly required: number;
  /** For MI: the accepted sets of parameters; absent: the first ones, at least `required`. */
  readonly forms?: readonly (readonly string[])[];
  /** Over MI: parameters that may be given by name in addition to any of these sets. */
  readonly named?: readonly string[];
  /**
   * Over RPC: a member with structures that is an array in JSON; without this they are one structure with all members.
   */
  readonly structs?: string;
  /** For MI: the parameter that is a list; in the text form one value per line. */
  readonly list?: string;
}

/** The commands of the modules in the configuration file. */
export interface ScriptCommandTable {
  readonly commands: readonly ScriptCommandSpec[];
  /** Runs one of `commands`. Never rejects. */
  run(
    command: ScriptCommandSpec,
    params: Readonly<Record<string, string | undefined>>,
  ): Promise<{ readonly value?: MiValue; readonly fault?: { readonly code: number; readonly message: string } }>;
}

/** The result of a reload of the settings. */
export interface SettingsReload {
  /** Values that differ, with secrets masked; undefined on the side without such a value. */
  readonly changes: readonly {
    readonly path: string;
    readonly from?: string | undefined;
    readonly to?: string | undefined;
  }[];
  /** Top-level keys whose change needs a restart. */
  readonly needRestart: readonly string[];
  /** One line for each warning. */
  readonly warnings: readonly string[];
}

/** The functions of config_reload. */
export interface SettingsControl {
  /**
   * Applies all settings, or with `dryRun` only compares them. Throws ConfigError or SwitchyardError; then nothing has
   * changed.
   */
  reload(dryRun: boolean): Promise<SettingsReload>;
  /** The progress of a running reload; undefined: none runs. */
  progress(): SettingsProgress | undefined;
}

/** The progress of a reload of the settings. */
export interface SettingsProgress {
  /**
   * The current step: the settings are checked, removed or changed partitions are stopped, new or changed ones are
   * loaded.
   */
  readonly step: 'check' | 'stop' | 'load';
  /** Number of partitions done in this step, and of all; 0 during the check. */
  readonly done: number;
  readonly total: number;
  /** Seconds since its beginning. */
  readonly seconds: number;
}

/** Which calls to trace, and the bounds; absent values have defaults. */
export interface TraceParams {
  readonly callId: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly source: string | undefined;
  readonly partition: string | undefined;
  readonly oneIn: number | undefined;
  readonly seconds: number | undefined;
  readonly calls: number | undefined;
  readonly messages: number | undefined;
  readonly bodies: boolean;
}

/**
 * The functions of the trace_* commands. Each throws SwitchyardError USAGE for an unknown trace, or one that cannot be
 * started.
 */
export interface Traces {
  /** Starts a trace; returns its number. */
  start(params: TraceParams): number;
  /** Messages with a number above `after`, as many as fit one answer. */
  get(id: number, after: number): MiValue;
  /** The traces of visible partitions; `isSeen` gets undefined for a trace of all partitions. */
  list(isSeen: (partition: string | undefined) => boolean): MiValue;
  /** The partition of a trace, if it is limited to one. Throws SwitchyardError USAGE for an unknown trace. */
  partitionOf(id: number): string | undefined;
  stop(id: number): void;
}

/** Selects call records; a field that is left out matches every record. */
export interface CallListFilter {
  readonly partition: string | undefined;
  /** Only records of these partitions; undefined: all. */
  readonly partitions: ReadonlySet<string> | undefined;
  readonly set: number | undefined;
  readonly destination: string | undefined;
  /** "503", "5xx", "failed" */
  readonly code: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly callId: string | undefined;
  readonly source: string | undefined;
  readonly method: string | undefined;
  /** Only records that are new or changed since this number. */
  readonly after: number | undefined;
}

/** The records for calls_list. */
export interface CallRecords {
  /**
   * The matching records, oldest first, and the number of the newest change, for the next `after`. Throws
   * SwitchyardError USAGE for a filter that can match no record.
   */
  list(filter: CallListFilter, limit: number): Promise<{ readonly newest: number; readonly entries: MiValue }>;
}

/** The functions of the cluster for commands. */
export interface ClusterControl {
  /** This node and the other known ones. */
  list(): MiValue;
  /** The owner of a destination, and its record. */
  owner(destination: Destination): MiValue;
  /** Owner, revision and writer of a destination's record, for ds_list. */
  describe(destination: Destination): { readonly owner: string; readonly revision: number; readonly by: string };
  /** Waits until changes of these destinations are committed; false if not within `ms`. */
  settled(destinations: readonly Destination[], ms: number): Promise<boolean>;
  /** Reads all records again; false when that failed. */
  sync(): Promise<boolean>;
  /** Gives up everything that this node owns, while it goes on routing; or takes part again. */
  drain(on: boolean): void;
  draining(): boolean;
  /** Removes the data of a node that is gone; false when there is none, or the node is alive. */
  forget(node: string): Promise<boolean>;
  tags(): MiValue;
  /** Makes this node the holder of a tag; returns whether the other nodes know. */
  takeTag(tag: string): Promise<boolean>;
  /** Runs a command on another node, or on all nodes including this one; returns answers by node. */
  run(node: string | undefined, method: string, params: MiValue | undefined): Promise<MiValue>;
  /** Makes the other nodes load partitions again; with `wait` returns their reports. */
  reloaded(partitions: readonly string[], wait: boolean): Promise<MiValue | undefined>;
  /** Switches probing on or off on all nodes. */
  setProbing(on: boolean, partition?: string): void;
}

/** Options of a reload. */
export interface ReloadRequest {
  /** Whether destinations that remain keep their state. */
  readonly inheritState: boolean;
  /** Whether to report only, and change nothing. */
  readonly dryRun: boolean;
  /** Whether the other nodes of a cluster load too; default: yes. */
  readonly spread?: boolean;
}

/** The functions of the dispatcher for commands. */
export interface DispatcherControl {
  /**
   * Reloads these partitions; concurrent reloads of a partition share one run. Returns the report of each. Throws
   * SwitchyardError STORE_* when nothing could be read; the old data then stay.
   */
  reload(partitions: readonly string[], request: ReloadRequest): Promise<ReadonlyMap<string, LoadReport>>;
  /** Adds a destination to a partition, and with `persist` to its table. Throws SwitchyardError. */
  add(partition: Partition, row: DestinationRow, options: { readonly persist: boolean }): Promise<void>;
  /** Removes a destination, and with `persist` its row; false when there is none. Throws SwitchyardError. */
  remove(partition: Partition, setId: number, uri: string, options: { readonly persist: boolean }): Promise<boolean>;
  /**
   * Sets the script attributes of the destinations with this address (port 0: any), in one set or all. Returns their
   * number.
   */
  pushScriptAttrs(partition: Partition, attrs: string, ip: string, port: number, setId: number | undefined): number;
  /**
   * Writes the unwritten states of a partition now; false when that takes longer than an operator should wait. True
   * when states are not kept in a table.
   */
  writeThrough(partition: string): Promise<boolean>;
  /** Script attributes of a destination; undefined when there are none. */
  scriptAttrs(destination: Destination): string | undefined;
  /** Sends a probe at once; false when the destination is not probed, or a probe is in flight. */
  probe(destination: Destination): boolean;
  /** Whether probing is on, for all or for one partition. */
  probingActive(partition?: string): boolean;
  setProbingActive(active: boolean, partition?: string): void;
}

/** Data about the process, for version, uptime, ps, pwd and arg. */
export interface ProcessInfo {
  /** "0.1.0" */
  readonly version: string;
  /** "x86_64/linux" */
  readonly platform: string;
  /** Start time in milliseconds since the epoch, by the current system clock. */
  readonly startedAt: number;
  now(): number;
  readonly argv: readonly string[];
  workingDirectory(): string;
  processes(): readonly { readonly id: number; readonly pid: number; readonly type: string }[];
}

/** A statistic, "group:name". */
export interface Statistic {
  readonly group: string;
  readonly name: string;
  value(): number;
  /** The value for a caller limited to some partitions; absent: such a caller does not see the statistic. */
  valueIn?(sees: (partition: string) => boolean): number;
  /** Sets it to zero; absent for a measured value. */
  reset?(): void;
}

/** The statistics for get_statistics and related commands. */
export interface StatisticsSource {
  /** All statistics in the order of lists, grouped. */
  list(): Iterable<Statistic>;
}

/** The functions of the event bus for commands. */
export type EventSubscriptions = Pick<EventPublisher, 'events' | 'subscribe' | 'subscribers'>;

/** A rule; a field that is left out matches anything. */
export interface ListedAddress {
  /** IP literal without brackets. */
  readonly address: string;
  /** "udp", "tcp", ...; undefined: any. */
  readonly transport?: string | undefined;
  /** undefined: any. */
  readonly port?: number | undefined;
}

/** The functions of the blacklists for commands. */
export interface BlacklistQueries {
  /** All lists in order of definition; with `sees`, only lists and rules of partitions for which it returns true. */
  lists(
    sees?: (partition: string) => boolean,
  ): readonly { readonly name: string; readonly rules: readonly ListedAddress[] }[];
  /** The list's first matching rule for this endpoint; undefined fields are not compared. */
  check(
    list: string,
    ip: string,
    transport: string | undefined,
    port: number | undefined,
    sees?: (partition: string) => boolean,
  ): ListedAddress | undefined;
}

/** Status and reports of one part of the product, by group ("core", "dispatcher") and identifier. */
export interface StatusIdentifier {
  /** The partition it is about; undefined: the whole process. */
  readonly partition: string | undefined;
  /** "main", a partition's name, or "NAME;events". */
  readonly name: string;
  /** Positive: ready; negative: not ready. */
  readonly status: number;
  readonly details: string | undefined;
  /** Oldest first. */
  readonly reports: readonly StatusReport[];
}

/** An entry of sr_list_reports. */
export interface StatusReport {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly text: string;
}

/** The data for the sr_* commands: the identifiers of each group. */
export interface StatusReports {
  groups(): readonly { readonly name: string; readonly identifiers: readonly StatusIdentifier[] }[];
}

/** Shows and changes the log level. */
export interface LogLevelControl {
  /** Name of a pino level: "trace", "debug", "info", "warn", "error", "fatal", "silent". */
  level(): string;
  setLevel(level: string): void;
  /** Sets the level for lines about a partition or call for some seconds; 0 ends it. False when there are too many. */
  focus(focus: Focus, level: string, seconds: number): boolean;
  focuses(): readonly ActiveFocus[];
}

/** Assumptions for an explanation: states "URI=STATE ...", and the rows of a partition as JSON. */
export interface Assumed {
  readonly states: string;
  readonly table: string | undefined;
  readonly partition: string | undefined;
}
