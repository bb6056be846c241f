import type { DialectName } from '../cfg/function-table.js';
import type { ScriptRun, ScriptTrace } from '../cfg/runtime.js';
import type { CompiledScript } from '../cfg/script.js';
import { avpName } from '../core/avp-name.js';
import { trimmed } from '../core/characters.js';
import type { Clock } from '../core/clock.js';
import type { Logger } from '../core/logger.js';
import type { Random } from '../core/random.js';
import type { SharedValues } from '../core/shared-values.js';
import type { SipUri } from '../core/uri.js';
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
import type { PeerTables } from '../sip/peer-tables.js';
import type { Address, Resolver } from '../sip/resolve.js';
import type { TransactionLayer } from '../sip/transaction/layer.js';
import type { SipSocket, Source } from '../sip/transport/transport.js';
import type { CallObserver } from './calls.js';
import type { ScriptHooks } from './hooks.js';
import type { HostAlias, LogLimits, RrSettings, TmSettings } from './run-settings.js';
import type { ScriptServices } from './services.js';
import type { Suspension } from './state.js';
import type { ScriptTables } from './tables.js';

export type { ScriptTrace } from '../cfg/runtime.js';

/** Writes a line of the script (xlog, log) to the log. */
export type ScriptOutput = (level: ScriptLevel, text: string, callId: string | undefined, prefix?: string) => void;

/** Makes and checks the tokens in our Record-Route; knows who may do without a token (foreign_dialogs). */
export interface DialogProof {
  /**
   * The URI parameter, with its ";", for the Record-Route of a request that was received from `source` and is sent to
   * `target`. `partition` is the one that selected its destination.
   */
  parameter(callId: string, partition: Partition | undefined, target: DialogEnd, source: string): string;
  /**
   * Decides whether a request inside a dialog may follow its Route to a URI: one of `carriers` has the token of its
   * call, or its source is a known address. Undefined: it may not.
   */
  passage(
    request: ReceivedRequest,
    carriers: readonly (SipUri | undefined)[],
    to: SipUri | undefined,
  ): DialogPassage | undefined;
}

/** A received request and its source. */
interface ReceivedRequest {
  readonly message: SipMessage;
  readonly source: Source;
}

interface DialogEnd {
  readonly address: string;
  readonly port: number;
}

/** To which addresses a request inside a dialog may be sent along its Route. */
export interface DialogPassage {
  /** Whether it may be sent to this address; checked for each, since a name can resolve to any address. */
  allowed(address: Address): boolean;
}

/** Calls that this process keeps although the hash of their Call-ID names another process. */
export interface ClaimedCalls {
  /** From now on requests with this Call-ID are handed to this process. */
  claim(callId: string): void;
  /** The last call with this Call-ID has ended. */
  release(callId: string): void;
}

/** What all runs of one cfg file share. */
export interface ScriptEnvironment {
  readonly dialect: DialectName;
  readonly script: CompiledScript;
  /** Folder of the cfg file. */
  readonly folder: string;
  /** The text of each file that was read, by path. */
  readonly sources: ReadonlyMap<string, string>;
  readonly engine: Engine;
  readonly layer: TransactionLayer;
  readonly sockets: LocalSockets;
  readonly resolver: Resolver;
  /** Who gets an entry in the tables that peers fill, and the maxima that settings give. */
  readonly peers: PeerTables;
  readonly maxDialogs: number;
  readonly maxContacts: number;
  readonly formats: DispatcherFormats;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Log for lines that peers can cause; bounded in number by kind, and in length. */
  readonly peerLog: Logger;
  /** Log for faults of the script, bounded in rate. */
  readonly faults: ScriptLog;
  /** The run whose statement marks a destination: Kamailio's event of the change has the same message. */
  readonly marking?: { run: ScriptRun | undefined };
  /** Resumes a run when the operation it started is done. */
  suspend(run: ScriptRun, suspension: Suspension): void;
  readonly output: ScriptOutput;
  /** log_prefix of OpenSIPS: written with the level before each script line; '' for none. */
  readonly logPrefix: string;
  readonly aliases: readonly HostAlias[];
  /** Whether the domains of the domain table count as local wherever a host is checked (domain's `register_myself`). */
  readonly registeredMyself: boolean;
  readonly tm: TmSettings;
  /** Whether a request to a sips URI may be sent over TLS only. */
  readonly sipsNeedsTls: boolean;
  readonly rr: RrSettings;
  readonly logLimits: LogLimits;
  /** $var: one value for each name in the whole process. */
  readonly vars: VarStore;
  /**
   * $var of routes that a timer starts. As recorded, in Kamailio these run in a process of their own, which does not
   * see what the routes of messages have assigned.
   */
  readonly timerVars: VarStore;
  readonly shared: SharedVariables;
  /** "Server: ..." line, with its line break, of replies generated here; '' for none. */
  readonly serverLine: string;
  readonly userAgentLine: string;
  /** Whether replies generated here have a Warning header (sip_warning). */
  readonly warning: boolean;
  readonly forceRport: boolean;
  readonly localRport: boolean;
  /** Whether the onsend route also runs for forwarded replies (onsend_route_reply). */
  readonly onsendReplies: boolean;
  /** Maximum number of branches of a request (max_branches of Kamailio). */
  readonly maxBranches: number;
  /** Text before each script line: log_prefix and xlog's prefix of Kamailio; undefined for none. */
  readonly linePrefix: Format | undefined;
  /** Values of the file's "group.name" settings. */
  readonly groups: ReadonlyMap<string, string | number>;
  /** Proof that a dialog began here; undefined: the cfg file alone decides where requests inside dialogs are sent. */
  readonly dialogs: DialogProof | undefined;
  /** The socket with a name or description that the script uses. */
  socket(text: string): SipSocket | undefined;
  /** Whether a rule of one of the black lists refuses an address, or the text of a message that would be sent there. */
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
  /** Reads the tables again, or those of one module, for requests from now on. False when one cannot be read: then all stay as they were. */
  reloadTables(partition?: string, module?: 'sql_cacher'): Promise<boolean>;
  readonly tally: SelectionTally;
  /** force_dst of Kamailio's dispatcher module. */
  readonly forceDst: boolean | undefined;
  /** Flags of selections that give none, set by modparam in files of OpenSIPS 1.x. */
  readonly selectFlags: string | undefined;
  /**
   * Variables into which ds_is_in_list() and ds_is_from_list() write the set and the attributes of the destination they
   * found.
   */
  readonly setidPvar: Format | undefined;
  /** Name of the AVP in a partition's script_attrs_avp. */
  readonly scriptAttrsAvp: (partition: string) => string | undefined;
  readonly attrsPvar: Format | undefined;
  /** Reloads a partition; false when no reload is allowed now. */
  reload(partition: string): boolean;
  /** Records each statement that a run executes. */
  readonly trace?: ScriptTrace | undefined;
  /** States of the modules. */
  readonly modules: ModuleStates;
  readonly hooks: ScriptHooks;
  /** Claims calls for this process, when several processes run the script. */
  readonly claims?: ClaimedCalls | undefined;
  /** Whether messages are masked outside this process (topoh, topos); marks in Via fields say which. */
  readonly masks: boolean;
  readonly services: ScriptServices;
  /** Receiver of call records and figures; undefined for none. */
  readonly calls?: CallObserver | undefined;
}

/** Describes what a module keeps; the state is created at its first use. */
export interface ModuleState<T> {
  /** Module whose parameters `create` gets. */
  readonly module: string;
  create(parameters: ModuleParameters, states: ModuleStates): T;
  /**
   * Makes the state after a reload of the cfg file from the earlier state and the new parameters. Absent: `create` is
   * called.
   */
  renew?(before: T, parameters: ModuleParameters, states: ModuleStates): T;
  /**
   * Copies the state for a script that is only tried (`check`), so that nothing is shared. Absent: `create` is called.
   * Throws SwitchyardError USAGE where the state is too large.
   */
  copy?(state: T): T;
}

/** States of all modules of one configuration; each is created at its first use. */
export class ModuleStates {
  private readonly states: Map<object, unknown>;

  constructor(
    /** Parameters of the modules as the file sets them, in order; a parameter may be set several times. */
    readonly parameters: ReadonlyMap<string, ReadonlyMap<string, readonly (string | number)[]>>,
    readonly loaded: ReadonlySet<string>,
    /**
     * The last state created for each key; it outlives the configuration and is shared by the successive configurations
     * of a process.
     */
    private readonly kept: Map<object, unknown> = new Map(),
    /** Compiles a text with variables by the rules of the cfg file. Throws SwitchyardError PVAR_*. */
    readonly compile: (text: string) => Format = (text) => compileFormat(text),
    /** States that exist already. */
    made: ReadonlyMap<object, unknown> = new Map(),
    /** Memory shared with the other processes that run the same script; undefined when there are none. */
    readonly shared?: SharedValues | undefined,
    /** In a copy: the states that other processes use, although this one does not yet. */
    private readonly others?: ModuleStates | undefined,
  ) {
    this.states = new Map(made);
  }

  /**
   * The state of a module. At the first use it is renewed from the earlier configuration's state, or created. Throws
   * what creating it throws.
   */
  of<T>(key: ModuleState<T>): T {
    let state = this.states.get(key) as T | undefined;
    if (state === undefined) {
      const parameters = this.module(key.module);
      if (this.others !== undefined && key.copy !== undefined) {
        state = key.copy(this.others.of(key));
        this.states.set(key, state);
        return state;
      }
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

  /** The state, if one was created under this or an earlier configuration. */
  existing<T>(key: ModuleState<T>): T | undefined {
    return this.states.has(key) || this.kept.has(key) ? this.of(key) : undefined;
  }

  /** The parameters of a module; empty when the file sets none. */
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

  /** The plain name of an AVP that is written as "$avp(name)" or "$(avp(name))"; undefined for something else. */
  avp(name: string): string | undefined {
    const [, plain, bracketed] = /^\$(?:avp\(([^)]*)\)|\(avp\(([^)]*)\)\))$/.exec(trimmed(this.text(name, ''))) ?? [];
    const inner = plain ?? bracketed;
    return inner === undefined ? undefined : avpName(inner);
  }

  /** The last value as a whole number; `fallback` when it is not one. */
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
