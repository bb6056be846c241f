import type { AuditTrail } from '../../access/audit.js';
import type { ActiveFocus, Focus } from '../../core/log-focus.js';
import type { Destination, DestinationRow } from '../../engine/destination.js';
import type { LoadReport, Partition } from '../../engine/partition.js';
import type { StateTable } from '../../engine/state.js';
import type { EventPublisher } from '../../events/publisher.js';
import type { MiValue } from './command.js';

/** What the commands need from the rest of the product; the composition root passes it in. */
export interface MiDependencies {
  /** In order of definition. Asked anew for each command: a reload of the settings may change them. */
  partitions(): readonly Partition[];
  /** The partition of calls that name none; undefined: there is no default partition. */
  defaultPartition(): Partition | undefined;
  readonly states: StateTable;
  readonly dispatcher: DispatcherControl;
  readonly process: ProcessInfo;
  readonly statistics: StatisticsSource;
  readonly events: EventSubscriptions;
  /** Raises an event by hand, with parameters by name. */
  raiseEvent(name: string, params: Readonly<Record<string, string | number>>): void;
  readonly blacklists: BlacklistQueries;
  readonly reports: StatusReports;
  /** The cluster this node is in, once it is loaded; undefined for a node by itself. */
  cluster?(): ClusterControl | undefined;
  readonly log: LogLevelControl;
  readonly calls: CallRecords;
  readonly traces: Traces;
  /** Whether a socket a destination names is listened on; absent: not known. */
  listens?(socket: string): boolean;
  /** Where a request goes by the rules or the script, and why. Throws SwitchyardError USAGE for what is no request. */
  explain(
    request: string,
    source: string | undefined,
    sees: ((partition: string) => boolean) | undefined,
    assumed: Assumed | undefined,
  ): MiValue | Promise<MiValue>;
  /** Whether a script decides where requests go, for all partitions. */
  scripted(): boolean;
  readonly audit: Pick<AuditTrail, 'recent'>;
  /** Commands of the modules of a configuration file; undefined where none is served. */
  readonly script?: ScriptCommandTable | undefined;
  /** Reads the settings file again; undefined where the settings came from a program. */
  readonly settings?: SettingsControl | undefined;
}

/** A management command of a module of a configuration file: by MI, by RPC, or by both. */
export interface ScriptCommandSpec {
  readonly module: string;
  /** "dlg_list"; undefined: it is not offered over MI. */
  readonly mi?: string;
  /** "dlg.list"; undefined: it is not offered over RPC. */
  readonly rpc?: string;
  readonly help: string;
  /** Whether it changes something. */
  readonly changes: boolean;
  /** Names of the parameters; those from `required` on may be left out. */
  readonly parameters: readonly string[];
  readonly required: number;
  /** Over MI: the sets of parameters that may be given; absent: the first ones, at least `required`. */
  readonly forms?: readonly (readonly string[])[];
  /** Over MI: the parameter that is a list; its values come a line each. */
  readonly list?: string;
}

/** The commands of the modules of the configuration file that is served. */
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
  /** Values that differ, secrets masked; undefined on the side that has no such value. */
  readonly changes: readonly {
    readonly path: string;
    readonly from?: string | undefined;
    readonly to?: string | undefined;
  }[];
  /** Top-level keys whose change only a restart brings into force. */
  readonly needRestart: readonly string[];
  /** A line each. */
  readonly warnings: readonly string[];
}

/** What config_reload does. */
export interface SettingsControl {
  /** Takes the settings whole, or with `dryRun` only compares them. Throws ConfigError, SwitchyardError; nothing has then changed. */
  reload(dryRun: boolean): Promise<SettingsReload>;
  /** How far the reload that runs now is; undefined: no reload runs. */
  progress(): SettingsProgress | undefined;
}

/** How far a reload of the settings is. */
export interface SettingsProgress {
  /** Whether they are checked, partitions that are gone or changed are stopped, or those that are new or changed are loaded. */
  readonly step: 'check' | 'stop' | 'load';
  /** Partitions for which the step is done, and all it concerns; both 0 during the check. */
  readonly done: number;
  readonly total: number;
  /** Since it began. */
  readonly seconds: number;
}

/** Which calls a trace takes, and its bounds; what is left out has a default. */
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

/** What the trace_* commands do. Each throws SwitchyardError USAGE for an unknown trace, or one that cannot be started. */
export interface Traces {
  /** Its number. */
  start(params: TraceParams): number;
  /** Messages numbered after `after`, as many as fit one answer. */
  get(id: number, after: number): MiValue;
  /** Those of the partitions that are seen; undefined stands for traces of all of them. */
  list(isSeen: (partition: string | undefined) => boolean): MiValue;
  /** The partition a trace is restricted to. Throws SwitchyardError USAGE for a trace that is not there. */
  partitionOf(id: number): string | undefined;
  stop(id: number): void;
}

/** Which call records are wanted; a member that is left out matches every record. */
export interface CallListFilter {
  readonly partition: string | undefined;
  /** Only records of these partitions; undefined: of all. */
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
  /** Only what is new or has changed since this number. */
  readonly after: number | undefined;
}

/** What calls_list reads. */
export interface CallRecords {
  /**
   * The matching records, oldest first, and the number of the newest change there is, for the next `after`. Throws SwitchyardError
   * USAGE for a filter that nothing could match.
   */
  list(filter: CallListFilter, limit: number): Promise<{ readonly newest: number; readonly entries: MiValue }>;
}

/** What commands and listings do with the cluster this node is in. */
export interface ClusterControl {
  /** This node and all others it knows. */
  list(): MiValue;
  /** Who owns a destination, and what is recorded of it. */
  owner(destination: Destination): MiValue;
  /** Owner, revision and writer of a destination's record, for ds_list. */
  describe(destination: Destination): { readonly owner: string; readonly revision: number; readonly by: string };
  /** Waits until changes of these destinations are committed; false when they are not within `ms`. */
  settled(destinations: readonly Destination[], ms: number): Promise<boolean>;
  /** Reads everything again; false when it could not be read. */
  sync(): Promise<boolean>;
  /** Gives up all ownership while routing goes on, or takes part again. */
  drain(on: boolean): void;
  draining(): boolean;
  /** Removes what is kept of a node that is gone; false when there is nothing, or when it is alive. */
  forget(node: string): Promise<boolean>;
  tags(): MiValue;
  /** Makes this node the holder of a tag; whether the others know it. */
  takeTag(tag: string): Promise<boolean>;
  /** Runs a command on another node, or on all, this one included: answers by node. */
  run(node: string | undefined, method: string, params: MiValue | undefined): Promise<MiValue>;
  /** Asks the other nodes to load a partition again; with `wait` it returns their reports. */
  reloaded(partitions: readonly string[], wait: boolean): Promise<MiValue | undefined>;
  /** Announces to the other nodes whether probes are sent at all. */
  setProbing(on: boolean, partition?: string): void;
}

/** How a reload is to be done. */
export interface ReloadRequest {
  /** Destinations that are still there keep their state. */
  readonly inheritState: boolean;
  /** Report what a reload would do, and change nothing. */
  readonly dryRun: boolean;
  /** Whether the other nodes of a cluster load, too; default: they do. */
  readonly spread?: boolean;
}

/** What the dispatcher commands do beyond reading partitions and applying states. */
export interface DispatcherControl {
  /**
   * Reloads these partitions; concurrent reloads of a partition share one run. Returns the report of each partition. Throws SwitchyardError STORE_* when nothing could be read; the old data then stay.
   */
  reload(partitions: readonly string[], request: ReloadRequest): Promise<ReadonlyMap<string, LoadReport>>;
  /** Adds a destination to the partition, and to its table with `persist`. Throws SwitchyardError. */
  add(partition: Partition, row: DestinationRow, options: { readonly persist: boolean }): Promise<void>;
  /** Removes the destination, and its row with `persist`; false when there is none. Throws SwitchyardError. */
  remove(partition: Partition, setId: number, uri: string, options: { readonly persist: boolean }): Promise<boolean>;
  /**
   * Sets the script attributes of the destinations with this address (port 0: any), in one set or all. Returns how many
   * there are.
   */
  pushScriptAttrs(partition: Partition, attrs: string, ip: string, port: number, setId: number | undefined): number;
  /**
   * Has the states of a partition that are not in its table yet written now; false when that takes longer than an operator is made
   * to wait. True where states are kept in no table.
   */
  writeThrough(partition: string): Promise<boolean>;
  /** Script attributes pushed so far; undefined when there are none. */
  scriptAttrs(destination: Destination): string | undefined;
  /** Sends a probe at once; false where probing is off for the destination, or one is under way. */
  probe(destination: Destination): boolean;
  /** Whether probes are sent at all, or to the destinations of one partition. */
  probingActive(partition?: string): boolean;
  setProbingActive(active: boolean, partition?: string): void;
}

/** What version, uptime, ps, pwd and arg report about the process. */
export interface ProcessInfo {
  /** "0.1.0" */
  readonly version: string;
  /** "x86_64/linux" */
  readonly platform: string;
  /** Milliseconds since the epoch, by the system clock as it is set now. */
  readonly startedAt: number;
  now(): number;
  readonly argv: readonly string[];
  workingDirectory(): string;
  processes(): readonly { readonly id: number; readonly pid: number; readonly type: string }[];
}

/** One number that can be asked for, "group:name". */
export interface Statistic {
  readonly group: string;
  readonly name: string;
  value(): number;
  /** The same for those who see some of the partitions only; a statistic without it is not there for them. */
  valueIn?(sees: (partition: string) => boolean): number;
  /** Sets it to zero; absent for what is measured rather than counted. */
  reset?(): void;
}

/** The statistics that get_statistics and related commands read. */
export interface StatisticsSource {
  /** All statistics, those of one group together, in the order they are listed. */
  list(): Iterable<Statistic>;
}

/** What of the event bus the commands use. */
export type EventSubscriptions = Pick<EventPublisher, 'events' | 'subscribe' | 'subscribers'>;

/** One rule: what it leaves out matches anything. */
export interface ListedAddress {
  /** IP literal without brackets. */
  readonly address: string;
  /** "udp", "tcp", ...; undefined: any. */
  readonly transport?: string | undefined;
  /** undefined: any. */
  readonly port?: number | undefined;
}

/** What of the blacklists the commands show and check. */
export interface BlacklistQueries {
  /** In order of definition; with `sees` those of some partitions, and their rules. */
  lists(
    sees?: (partition: string) => boolean,
  ): readonly { readonly name: string; readonly rules: readonly ListedAddress[] }[];
  /** Whether the list has a rule for this endpoint; what is undefined is not compared. */
  check(
    list: string,
    ip: string,
    transport: string | undefined,
    port: number | undefined,
    sees?: (partition: string) => boolean,
  ): ListedAddress | undefined;
}

/** Status and log of one part of the product, by group ("core", "dispatcher") and identifier. */
export interface StatusIdentifier {
  /** Partition it is about; undefined: the whole process. */
  readonly partition: string | undefined;
  /** "main", a partition's name, or "NAME;events". */
  readonly name: string;
  /** Positive: ready; negative: not ready. */
  readonly status: number;
  readonly details: string | undefined;
  /** Oldest first. */
  readonly reports: readonly StatusReport[];
}

/** Something that happened, as sr_list_reports shows it. */
export interface StatusReport {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly text: string;
}

/** Where the sr_* commands read: the identifiers of each group. */
export interface StatusReports {
  groups(): readonly { readonly name: string; readonly identifiers: readonly StatusIdentifier[] }[];
}

/** The level of the log, to be shown and changed. */
export interface LogLevelControl {
  /** A pino level name: "trace", "debug", "info", "warn", "error", "fatal", "silent". */
  level(): string;
  setLevel(level: string): void;
  /** Sets the level of lines about one partition or call for some seconds; 0 ends it. False: there are too many. */
  focus(focus: Focus, level: string, seconds: number): boolean;
  focuses(): readonly ActiveFocus[];
}

/** States and rows that an explanation assumes: "URI=STATE ..." and the rows of a partition, as JSON. */
export interface Assumed {
  readonly states: string;
  readonly table: string | undefined;
  readonly partition: string | undefined;
}
