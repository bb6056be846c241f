import type { DialectName } from '../cfg/function-table.js';
import type { ScriptRun, ScriptTrace } from '../cfg/runtime.js';
import type { CompiledScript } from '../cfg/script.js';
import { avpName } from '../core/avp-name.js';
import type { Clock } from '../core/clock.js';
import type { Logger } from '../core/logger.js';
import type { Random } from '../core/random.js';
import type { SharedValues } from '../core/shared-values.js';
import type { SipUri, TransportName } from '../core/uri.js';
import type { Engine } from '../engine/engine.js';
import type { Partition } from '../engine/partition.js';
import type { SharedVariables } from '../pvar/context.js';
import { compileFormat, type Format } from '../pvar/format.js';
import type { VarStore } from '../pvar/var-store.js';
import type { SelectionTally } from '../route/dispatcher/site.js';
import type { ScriptLevel } from '../route/functions/log-levels.js';
import type { DispatcherFormats } from '../route/request-scope.js';
import type { ScriptLog } from '../route/script/script-log.js';
import type { LocalSockets } from '../sip/local-sockets.js';
import type { SipMessage } from '../sip/message.js';
import type { Address, Resolver } from '../sip/resolve.js';
import type { TransactionLayer } from '../sip/transaction/layer.js';
import type { SipSocket, Source } from '../sip/transport/transport.js';
import type { CallObserver } from './calls.js';
import type { ScriptHooks } from './hooks.js';
import type { ScriptServices } from './services.js';
import type { Suspension } from './state.js';
import type { ScriptTables } from './tables.js';

export type { ScriptTrace } from '../cfg/runtime.js';

/** Where script lines go. */
export type ScriptOutput = (level: ScriptLevel, text: string, callId: string | undefined, prefix?: string) => void;

/** Settings of the transaction and stateless modules, in one unit for both dialects. Times in milliseconds. */
export interface TmSettings {
  frTimeout: number;
  frInvTimeout: number;
  auto100: boolean;
  auto100Reason: string;
  /** Kamailio's failure_reply_mode. */
  failureReplyMode: number;
  /** OpenSIPS' onreply_avp_mode: replies see the AVPs of the request. */
  onreplyAvps: boolean;
  /** A 503 that was received goes on as 500. */
  translate503: boolean;
  /** Restarts the timer of final replies with each provisional one. */
  restartOnProvisional: boolean;
  /** Reason header of a CANCEL made on timeout, and when another branch was accepted. */
  timeoutReason: string;
  autoInv100: boolean;
  passProvisional: boolean;
  /** Reply of the transaction module itself when a request cannot be relayed. */
  sendsErrors: boolean;
  /** Challenges of several branches go to the caller together. */
  aggregateChallenges: boolean;
  /** A 6xx ends the search: no branch may be added after one. */
  block6xx: boolean;
}

/** Settings of the record-routing module. */
export interface RrSettings {
  appendFromTag: boolean;
  fullLr: boolean;
  doubleRr: boolean;
  /** The user of the request-URI stands in Record-Route. */
  addUsername: boolean;
  /** Methods that add a user part, and the like, are left to the script. */
  ignoreUser: boolean;
}

/** A name that counts as local: "alias" of the file. */
export interface HostAlias {
  readonly host: string;
  /** undefined: any. */
  readonly port: number | undefined;
  readonly transport: TransportName | undefined;
}

/** Which xlog lines are written. */
export interface LogLimits {
  /** Script lines above this level are not written: 4 debug, 3 info, 2 notice, 1 warning, -1 error ... */
  xlog: number;
  /** What it is set back to by NULL. */
  readonly firstXlog: number;
  /** $log_level, of the log itself. */
  log: number;
  readonly firstLog: number;
}

/** Tokens in our Record-Route, and who may do without (foreign_dialogs). */
export interface DialogProof {
  /**
   * URI parameter for the Record-Route of a request that came from `source` and leaves for `target`, with its ";". `partition` is that
   * whose destination was selected.
   */
  parameter(callId: string, partition: Partition | undefined, target: DialogEnd, source: string): string;
  /**
   * Whether a request inside a dialog may go along its Route to a URI: one of `carriers` holds the token of its call, or its source is
   * known; undefined: it may not.
   */
  passage(
    request: Arrived,
    carriers: readonly (SipUri | undefined)[],
    to: SipUri | undefined,
  ): DialogPassage | undefined;
}

/** A request, and where it came from. */
interface Arrived {
  readonly message: SipMessage;
  readonly source: Source;
}

interface DialogEnd {
  readonly address: string;
  readonly port: number;
}

/** How far a request inside a dialog may go along its Route. */
export interface DialogPassage {
  /** Whether it may be sent to an address: a name can resolve to anything. */
  allowed(address: Address): boolean;
}

/** Which calls this process keeps although their Call-ID names another one. */
export interface ClaimedCalls {
  /** Requests within the calls of this Call-ID are to come here. */
  claim(callId: string): void;
  /** The last of them has ended. */
  release(callId: string): void;
}

/** What all runs of one configuration file share. */
export interface ScriptEnvironment {
  readonly dialect: DialectName;
  readonly script: CompiledScript;
  /** Folder of the file. */
  readonly folder: string;
  /** The files that were read, by path, with their text. */
  readonly sources: ReadonlyMap<string, string>;
  readonly engine: Engine;
  readonly layer: TransactionLayer;
  readonly sockets: LocalSockets;
  readonly resolver: Resolver;
  readonly formats: DispatcherFormats;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** For lines that a peer can cause: bounded in number by kind, and in length. */
  readonly peerLog: Logger;
  /** Faults of the script, bounded in rate. */
  readonly faults: ScriptLog;
  /** Resumes a run when what it began is done. */
  suspend(run: ScriptRun, suspension: Suspension): void;
  readonly output: ScriptOutput;
  /** log_prefix of OpenSIPS: stands with the level before each script line; '' for none. */
  readonly logPrefix: string;
  readonly aliases: readonly HostAlias[];
  /** Domains of the table are local wherever a host is (domain's `register_myself`). */
  readonly registeredMyself: boolean;
  readonly tm: TmSettings;
  /** A request to a sips URI leaves by TLS only. */
  readonly sipsNeedsTls: boolean;
  readonly rr: RrSettings;
  readonly logLimits: LogLimits;
  /** $var: one value for each name, for the whole process. */
  readonly vars: VarStore;
  readonly shared: SharedVariables;
  /** "Server: ..." line of replies of our own, with its line break; '' for none. */
  readonly serverLine: string;
  readonly userAgentLine: string;
  /** Text of a Warning header for replies (sip_warning). */
  readonly warning: boolean;
  readonly forceRport: boolean;
  readonly localRport: boolean;
  /** The onsend route runs for replies that go on as well (onsend_route_reply). */
  readonly onsendReplies: boolean;
  /** What stands before each script line when the file says so: log_prefix and xlog's prefix. */
  readonly linePrefix: Format | undefined;
  /** "group.name" parameters of the file. */
  readonly groups: ReadonlyMap<string, string | number>;
  /** Shows that a dialog began here; undefined: the file alone decides where requests inside dialogs go. */
  readonly dialogs: DialogProof | undefined;
  /** Socket by a name or description in a script. */
  socket(text: string): SipSocket | undefined;
  /** Whether one of the black lists has a rule for an address, and for the text of a message that would go there. */
  blocked(
    lists: readonly string[],
    address: {
      readonly address: string;
      readonly port: number;
      readonly transport?: string | undefined;
      readonly text?: string | undefined;
    },
  ): boolean;
  hasBlacklist(name: string): boolean;
  readonly tables: ScriptTables;
  /** Reads the tables again, for requests from now on; false when one cannot be read: it stays as it was. */
  reloadTables(): Promise<boolean>;
  readonly tally: SelectionTally;
  /** force_dst of Kamailio's dispatcher. */
  readonly forceDst: boolean | undefined;
  /** Flag letters of selections that name none: what files of OpenSIPS 1.x say by modparam. */
  readonly selectFlags: string | undefined;
  /** Variables that get the set and the attributes of what ds_is_in_list() and ds_is_from_list() found. */
  readonly setidPvar: Format | undefined;
  /** script_attrs_avp of a partition, as a name. */
  readonly scriptAttrsAvp: (partition: string) => string | undefined;
  readonly attrsPvar: Format | undefined;
  /** Reloads a partition; false when that is not allowed now. */
  reload(partition: string): boolean;
  /** Traces runs statement by statement. */
  readonly trace?: ScriptTrace | undefined;
  /** State of modules, by module. */
  readonly modules: ModuleStates;
  readonly hooks: ScriptHooks;
  /** Says whose calls are whose, where several processes run the script. */
  readonly claims?: ClaimedCalls | undefined;
  /** Messages have another form outside (topoh): Via fields say which. */
  readonly masks: boolean;
  readonly services: ScriptServices;
  /** Call records and figures; undefined for none. */
  readonly calls?: CallObserver | undefined;
}

/** What a module keeps, made when first asked for. */
export interface ModuleState<T> {
  /** Module whose parameters it is made from. */
  readonly module: string;
  create(parameters: ModuleParameters, states: ModuleStates): T;
  /** After a reload of the file: the state that was there, under the new parameters. Absent: it begins anew. */
  renew?(before: T, parameters: ModuleParameters, states: ModuleStates): T;
  /** The state for a rehearsal, with nothing shared. Absent: it begins anew. Throws SwitchyardError USAGE where it is too large. */
  copy?(state: T): T;
}

/** What modules keep for one configuration: made when first asked for. */
export class ModuleStates {
  private readonly states: Map<object, unknown>;

  constructor(
    /** Parameters of the modules as the file sets them, in order; a parameter may be set several times. */
    readonly parameters: ReadonlyMap<string, ReadonlyMap<string, readonly (string | number)[]>>,
    readonly loaded: ReadonlySet<string>,
    /** What outlives the configuration: the last state made under each key. Shared by the configurations of a process. */
    private readonly kept: Map<object, unknown> = new Map(),
    /** Compiles a text with variables as the script of the file would read it. Throws SwitchyardError PVAR_*. */
    readonly compile: (text: string) => Format = (text) => compileFormat(text),
    /** States that are in force already. */
    made: ReadonlyMap<object, unknown> = new Map(),
    /** Memory that other processes share which run the same script; undefined: there are none. */
    readonly shared?: SharedValues | undefined,
  ) {
    this.states = new Map(made);
  }

  /**
   * The state of a module: made when first asked for, from that of the configuration before where it can be. Throws what making it
   * throws.
   */
  of<T>(key: ModuleState<T>): T {
    let state = this.states.get(key) as T | undefined;
    if (state === undefined) {
      const parameters = this.module(key.module);
      const before = this.kept.get(key) as T | undefined;
      state =
        before === undefined || key.renew === undefined
          ? key.create(parameters, this)
          : key.renew(before, parameters, this);
      this.states.set(key, state);
      this.kept.set(key, state);
    }
    return state;
  }

  /** The state if it was ever made, under this configuration or an earlier one. */
  existing<T>(key: ModuleState<T>): T | undefined {
    return this.states.has(key) || this.kept.has(key) ? this.of(key) : undefined;
  }

  /** The parameters of a module; none for one without. */
  module(name: string): ModuleParameters {
    return new ModuleParameters(this.parameters.get(name) ?? new Map());
  }
}

/** The parameters of one module. */
export class ModuleParameters {
  constructor(private readonly given: ReadonlyMap<string, readonly (string | number)[]>) {}

  /** The last value of a parameter as text. */
  text(name: string, fallback: string): string {
    const value = this.last(name);
    return value === undefined ? fallback : String(value);
  }

  /** The plain name of an AVP that is written as "$avp(name)"; undefined for something else. */
  avp(name: string): string | undefined {
    const inner = /^\$avp\(([^)]*)\)$/.exec(this.text(name, '').trim())?.[1];
    return inner === undefined ? undefined : avpName(inner);
  }

  /** The last value as a whole number; `fallback` for what is none. */
  int(name: string, fallback: number): number {
    const value = this.last(name);
    const number = typeof value === 'number' ? value : Number.parseInt(value ?? '', 10);
    return Number.isNaN(number) ? fallback : number;
  }

  /** Whether the last value is a number other than 0. */
  flag(name: string, fallback: boolean): boolean {
    return this.int(name, fallback ? 1 : 0) !== 0;
  }

  /** Whether the file gives the parameter. */
  has(name: string): boolean {
    return this.given.has(name);
  }

  /** All values in the order of the file. */
  all(name: string): readonly (string | number)[] {
    return this.given.get(name) ?? [];
  }

  private last(name: string): string | number | undefined {
    const values = this.given.get(name);
    return values?.[values.length - 1];
  }
}
