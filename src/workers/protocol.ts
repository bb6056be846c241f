import type { RoutingRule } from '../config/settings.js';
import type { KeptKey } from '../core/key-ring.js';
import type { TransportName } from '../core/uri.js';
import type { HealthState } from '../engine/destination.js';
import type { FlavourName } from '../engine/options.js';
import type { StateSignal } from '../engine/state.js';
import type { RouteOrigin } from '../proxy/decision.js';
import type { ProxyOptions } from '../proxy/proxy.js';
import type { TextEdit } from '../sip/reply.js';
import type { TransactionConfig } from '../sip/transaction/config.js';
import type { TransportError } from '../sip/transport/transport.js';

/**
 * What the brain and its workers say to each other: lists of items, each a tuple that begins with its kind. They go as JSON
 * through the channel of the child process where somebody waits, else through memory (`ReportWriter`); messages are latin1 text, sockets are positions in `WorkerSetup.sockets`.
 */

/** A socket of the brain, as a worker knows it. */
export interface SharedSocket {
  readonly transport: TransportName;
  /** Bound address and port. */
  readonly address: string;
  readonly port: number;
  readonly advertise: { readonly host: string; readonly port: number } | null;
  readonly name: string | null;
  /** The worker's own descriptor of it; null: only the brain reads and sends there. */
  readonly fd: number | null;
}

/** A configuration file whose script workers run, as the brain has read it. */
export interface SharedScript {
  readonly file: string;
  /** Texts of the file and of what it includes, by path. */
  readonly texts: readonly (readonly [path: string, text: string])[];
  /** How it was read, and the settings that its script looks at; serialized. */
  readonly rest: string;
}

/** All that a worker is made from. */
export interface WorkerSetup {
  /** From 1 to `workers`. */
  readonly worker: number;
  readonly workers: number;
  /** What the branches of all processes begin with. */
  readonly token: string;
  readonly sockets: readonly SharedSocket[];
  readonly aliases: readonly string[];
  readonly keys: readonly KeptKey[];
  readonly transactions: TransactionConfig;
  readonly proxy: ProxyOptions;
  readonly gatherMs: number;
  readonly paceMs: number;
  readonly live: LiveSetup;
  readonly askAll: boolean;
  /** undefined: rules decide. */
  readonly script: SharedScript | undefined;
  /** The worker's descriptor of the memory that all share, and its size in bytes. */
  readonly memory: { readonly fd: number; readonly bytes: number };
  /** The same for what scripts keep for all calls (`SharedValues`); undefined without a script. */
  readonly values: { readonly fd: number; readonly bytes: number } | undefined;
  /** What machine-wide monotonic milliseconds are ahead of those of the brain. */
  readonly ahead: number;
  /** What workers know each other's requests by (`RequestClaims`); undefined: requests are spread evenly, by their Call-ID alone. */
  readonly requestSeeds: readonly [number, number] | undefined;
}

/** The rules that workers decide by. */
export interface SharedRules {
  readonly rules: readonly RoutingRule[];
  readonly hashPvar: string | undefined;
  readonly defaultPartition: string;
  /** All that there are. */
  readonly partitions: readonly string[];
}

/** Set id, URI, socket, its name, weight, priority, attributes, flags of a destination. */
export type SharedRow = readonly [number, string, string, string | null, number, number, string, number];

/** A destination, by its partition, its set, its position as a worker has it, and its URI. */
export type SharedDestination = readonly [partition: string, setId: number, position: number, uri: string];

/** The destination that a request was sent to, by the decision of a worker. */
export type SentTo = readonly [destination: SharedDestination, address: string, port: number, socket: number];

/** What may change while calls go on. */
export interface LiveSetup {
  readonly trustedSources: readonly string[];
  readonly logLevel: string;
  /** Whether calls count as load of their destinations: their end is then reported at once. */
  readonly countsLoad: boolean;
}

/** Where a request is sent by a worker. */
export interface SharedHop {
  readonly uri: string;
  readonly requestUri?: string | undefined;
  readonly address: string;
  readonly port: number;
  readonly socket: number;
  /** Tags of the token in Record-Route. */
  readonly tags?: string | undefined;
  readonly edits?: readonly TextEdit[] | undefined;
  readonly maxForwards?: number | undefined;
}

/** A relay that a worker carries out. */
export interface SharedRelay {
  readonly recordRoute: boolean;
  readonly edits: readonly TextEdit[];
  readonly noHop: { readonly code: number; readonly reason: string };
  readonly hop: SharedHop;
}

/** What follows a failure: the next hop, a reply, or (null) the best reply so far. */
export type FailureDecision =
  | SharedHop
  | { readonly code: number; readonly reason: string; readonly headers?: string }
  | null;

/** What a worker says to the brain. */
export type FromWorker =
  | readonly ['ready']
  /** Says that its event loop runs. */
  | readonly ['pong']
  /** It has more to do than it can, others are to help. */
  | readonly ['busy']
  /** Its ring of reports is to be read now. */
  | readonly ['bell']
  /** A request that is to be routed. */
  | readonly ['ask', id: number, socket: number, address: string, port: number, text: string]
  /** A message that no transaction here belongs to; the worker waits for no answer. */
  | readonly ['pass', socket: number, address: string, port: number, text: string]
  /** A message that belongs to another process. */
  | readonly ['to', worker: number, socket: number, address: string, port: number, text: string]
  /** A message that is to leave by a connection of the brain, to an address and the host name it stands for. */
  | readonly [
      'send',
      id: number,
      socket: number,
      address: string,
      port: number,
      serverName: string | null,
      text: string,
    ]
  /** An ICMP error for what another process sent, with the beginning of that. */
  | readonly ['undelivered', worker: number, address: string, port: number, text: string]
  /** The caller of a request that the brain relays has given up; the text is that of the request. */
  | readonly ['cancel', socket: number, address: string, port: number, text: string]
  /** A request that the worker itself decided about is relayed, and by what; when, as all times monotonic milliseconds of the brain. */
  | readonly [
      'began',
      id: number,
      at: number,
      socket: number,
      address: string,
      port: number,
      text: string,
      recordRoute: boolean,
      origin: RouteOrigin,
      invite: boolean,
      callId: string,
      fromTag: string,
    ]
  | readonly ['sent', id: number, at: number, to: SentTo]
  | readonly ['passedOver', id: number, at: number, destination: SharedDestination, code: number]
  /** A destination failed and is to take this state; the worker waits until it has. */
  | readonly [
      'mark',
      mark: number,
      destination: SharedDestination,
      to: HealthState,
      reason: string,
      code: number,
      cause: string | null,
    ]
  /** The script of this version, with its tables, is in force. */
  | readonly ['scriptTaken', version: number]
  /** A script marked a destination; nobody waits. */
  | readonly ['signal', destination: SharedDestination, signal: Omit<StateSignal, 'destination'>]
  /** Selections that succeeded, and that failed, by partition. */
  | readonly ['selected', counts: readonly (readonly [partition: string, succeeded: number, failed: number])[]]
  /** A table is in use, and none of its name before. */
  | readonly ['tableTaken', name: string, generation: number]
  | readonly ['provisional', id: number, at: number, code: number]
  | readonly ['failed', id: number, at: number, code: number, local: boolean, cause: string | null]
  /** The same; the worker waits for what follows. */
  | readonly ['next', id: number, code: number, local: boolean, cause: string | null]
  | readonly ['cancelled', id: number]
  | readonly ['ended', id: number, at: number, code: number, byHop: boolean]
  /** A BYE of a dialog came; it has its final reply. */
  | readonly ['bye', callId: string]
  | readonly ['byeEnded', callId: string, fromTag: string, code: number]
  | readonly [
      'refused',
      socket: number,
      address: string,
      port: number,
      text: string,
      code: number,
      reason: string,
      origin: RouteOrigin | null,
    ]
  | readonly ['log', level: LogLevel, fields: object, message: string]
  /** What a management command answered here. */
  | readonly ['answer', id: number, answer: CommandAnswer]
  /** A record of a call is to be published. */
  | readonly ['publish', partition: string, kind: string, text: string];

/** What a management command answers: JSON, or why it cannot be done. */
export interface CommandAnswer {
  readonly value?: unknown;
  readonly fault?: { readonly code: number; readonly message: string };
}

/** What the brain says to a worker. */
export type ToWorker =
  | readonly ['setup', WorkerSetup]
  /** Asks for a pong. */
  | readonly ['ping']
  | readonly ['live', LiveSetup]
  /** The key that dialog tokens are made with from now on. */
  | readonly ['key', string]
  /** Whether the brain is to be asked about every request: messages are traced. */
  | readonly ['askAll', boolean]
  /** An ICMP error for what this worker sent, that another process was given. */
  | readonly ['undelivered', address: string, port: number, text: string]
  /** What workers remember of dialogs (`KnownDialogs`) is no longer valid. */
  | readonly ['forget']
  | readonly ['relay', id: number, relay: SharedRelay]
  | readonly ['reply', id: number, code: number, reason: string, headers: string | null]
  /** The brain carries the decision out itself. */
  | readonly ['mine', id: number]
  | readonly ['verdict', id: number, verdict: FailureDecision]
  /** The state that was asked for is decided: the destination has it, or keeps its own. */
  | readonly ['marked', mark: number]
  /** The rules that hold while their number stands in the shared memory; null: none. */
  | readonly ['rules', epoch: number, rules: string | null]
  /** A table follows, in items of rows; its sets with their first word in the shared memory and their size. */
  | readonly [
      'table',
      name: string,
      slot: number,
      generation: number,
      options: string,
      sets: readonly (readonly [id: number, at: number, size: number])[],
    ]
  | readonly ['rows', name: string, rows: readonly SharedRow[]]
  | readonly ['tableEnd', name: string]
  /** The partition is left to the brain. */
  | readonly ['noTable', name: string, generation: number]
  | readonly ['message', socket: number, address: string, port: number, text: string]
  /** A message could not be sent by a connection; `stale`: by one that had worked. */
  | readonly ['unsent', id: number, cause: TransportError['cause'], message: string, stale: boolean]
  /** Make calls to warm up. */
  | readonly ['warmUp', plan: WarmUpPlan]
  /** The script that new requests run from now on. */
  | readonly ['script', version: number, SharedScript]
  /** The tables of the script's modules are to be read again. */
  | readonly ['scriptTables', version: number]
  /** Run a management command of a module; the parameters are JSON. */
  | readonly ['command', id: number, name: string, params: string]
  /** Requests without a final reply are to be answered with 503. */
  | readonly ['giveUp'];

/** How many calls are made to warm up, by partitions of which flavours in turn: what the calls run through differs. */
export interface WarmUpPlan {
  readonly calls: number;
  readonly flavours: readonly FlavourName[];
}

/** Levels of log lines. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** What may be lost on its way to a worker, as any datagram: the text of a message stands last. */
export type HandedToWorker = Extract<ToWorker, readonly ['message' | 'undelivered', ...unknown[]]>;

/** The same on its way to the brain. */
export type HandedToBrain = Extract<FromWorker, readonly ['pass' | 'to' | 'send' | 'undelivered', ...unknown[]]>;
