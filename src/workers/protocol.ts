import type { BlacklistDefinition } from '../blacklist/blacklist.js';
import type { RoutingRule } from '../config/settings.js';
import type { KeptCall } from '../core/kept-call.js';
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
 * The messages between the brain and its workers: lists of items, each a tuple that begins with its kind. They are sent
 * as JSON over the child process's channel if somebody waits for them, else through shared memory (`ReportWriter`). SIP
 * messages are latin1 text; sockets are positions in `WorkerSetup.sockets`.
 */

/** A socket of the brain, as described to a worker. */
export interface SharedSocket {
  readonly transport: TransportName;
  /** Bound address and port. */
  readonly address: string;
  readonly port: number;
  readonly advertise: { readonly host: string; readonly port: number } | null;
  readonly name: string | null;
  /** The worker's own descriptor; null: only the brain uses the socket. */
  readonly fd: number | null;
}

/** A cfg file whose script workers run, as the brain has read it. */
export interface SharedScript {
  readonly file: string;
  /** Texts of the file and of included files, by path. */
  readonly texts: readonly (readonly [path: string, text: string])[];
  /** How it was read, and the settings that its script uses; serialised. */
  readonly rest: string;
}

/** Everything a worker is created from. */
export interface WorkerSetup {
  /** From 1 to `workers`. */
  readonly worker: number;
  readonly workers: number;
  /** The common beginning of the branches of all processes. */
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
  /** The worker's descriptor of the shared memory, and its size in bytes. */
  readonly memory: { readonly fd: number; readonly bytes: number };
  /** The same for the data that scripts keep for all calls (`SharedValues`); undefined without a script. */
  readonly values: { readonly fd: number; readonly bytes: number } | undefined;
  /** How many milliseconds the machine-wide clock is ahead of the brain's. */
  readonly ahead: number;
  /**
   * Seeds for the table of requests and their workers (`RequestClaims`); undefined: requests are spread evenly, by
   * Call-ID only.
   */
  readonly requestSeeds: readonly [number, number] | undefined;
}

/** The rules by which workers decide. */
export interface SharedRules {
  readonly rules: readonly RoutingRule[];
  readonly hashPvar: string | undefined;
  readonly defaultPartition: string;
  /** The names of all partitions. */
  readonly partitions: readonly string[];
  /** The blacklists, which are made from sets. */
  readonly blacklists: readonly BlacklistDefinition[];
}

/** A destination: set ID, URI, socket, socket name, weight, priority, attributes, flags. */
export type SharedRow = readonly [number, string, string, string | null, number, number, string, number];

/** Names a destination: partition, set, position in the worker, URI. */
export type SharedDestination = readonly [partition: string, setId: number, position: number, uri: string];

/** The destination that a request was sent to by a worker's decision. */
export type SentTo = readonly [destination: SharedDestination, address: string, port: number, socket: number];

/** Settings that may change at run time. */
export interface LiveSetup {
  readonly trustedSources: readonly string[];
  readonly logLevel: string;
  /** Whether calls may count as load. The end of a call that the brain decided about is then reported at once. */
  readonly countsLoad: boolean;
}

/** A hop to which a worker sends a request. */
export interface SharedHop {
  readonly uri: string;
  readonly requestUri?: string | undefined;
  readonly address: string;
  readonly port: number;
  readonly socket: number;
  /** The tags in the token of Record-Route. */
  readonly tags?: string | undefined;
  readonly edits?: readonly TextEdit[] | undefined;
  readonly maxForwards?: number | undefined;
}

/** How a worker is to forward a request. */
export interface SharedRelay {
  readonly recordRoute: boolean;
  readonly edits: readonly TextEdit[];
  readonly noHop: { readonly code: number; readonly reason: string };
  readonly hop: SharedHop;
}

/** What to do after a failure: the next hop, a reply, or (null) the best reply so far. */
export type FailureDecision =
  | SharedHop
  | { readonly code: number; readonly reason: string; readonly headers?: string }
  | null;

/** An item from a worker to the brain. */
export type FromWorker =
  | readonly ['ready']
  /** Answer to a ping: its event loop runs. */
  | readonly ['pong']
  /** It is overloaded; others should help. */
  | readonly ['busy']
  /** Its reports in the shared memory are to be read now. */
  | readonly ['read']
  /** A request to be routed. */
  | readonly ['ask', id: number, socket: number, address: string, port: number, text: string]
  /** A message without a transaction here; the worker expects no answer. */
  | readonly ['pass', socket: number, address: string, port: number, text: string]
  /** A message that belongs to another process. */
  | readonly ['to', worker: number, socket: number, address: string, port: number, text: string]
  /** A message that this worker has received, or has sent, while messages are traced. */
  | readonly ['seen', isSent: boolean, socket: number, address: string, port: number, text: string]
  /** A message to be sent over a connection of the brain, with the address and its host name. */
  | readonly [
      'send',
      id: number,
      socket: number,
      address: string,
      port: number,
      serverName: string | null,
      text: string,
    ]
  /** An ICMP error for a message of another process, with its beginning. */
  | readonly ['undelivered', worker: number, address: string, port: number, text: string]
  /** The caller of a request that the brain forwards has sent CANCEL; the text is that of the request. */
  | readonly ['cancel', socket: number, address: string, port: number, text: string]
  /**
   * A request that the worker decided itself was forwarded: by which rule, and when. All times are monotonic
   * milliseconds of the brain.
   */
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
  | readonly ['hopSkipped', id: number, at: number, destination: SharedDestination, code: number]
  /** A destination failed and should get this state; the worker waits for that. */
  | readonly [
      'mark',
      mark: number,
      destination: SharedDestination,
      to: HealthState,
      reason: string,
      code: number,
      cause: string | null,
    ]
  /** The script of this version is in use, with its tables. */
  | readonly ['scriptTaken', version: number]
  /** A script marked a destination; nobody waits. */
  | readonly ['signal', destination: SharedDestination, signal: Omit<StateSignal, 'destination'>]
  /** Numbers of successful and failed selections by partition. */
  | readonly ['selected', counts: readonly (readonly [partition: string, succeeded: number, failed: number])[]]
  /** A table is in use, and no earlier one with its name. */
  | readonly ['tableTaken', name: string, generation: number]
  | readonly ['provisional', id: number, at: number, code: number]
  | readonly ['failed', id: number, at: number, code: number, local: boolean, cause: string | null]
  /** The same, but the worker waits for the next decision. */
  | readonly ['next', id: number, code: number, local: boolean, cause: string | null]
  | readonly ['cancelled', id: number]
  | readonly ['ended', id: number, at: number, code: number, byHop: boolean]
  /** A BYE in a dialog got its final reply. */
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
  /** The answer to a management command. */
  | readonly ['answer', id: number, answer: CommandAnswer]
  /** The content of a call's record, in case the worker dies; null: the call has ended. */
  | readonly ['keep', id: string, call: KeptCall | null]
  /** A record of a call, to be published. */
  | readonly ['publish', partition: string, kind: string, text: string];

/** The answer to a management command: JSON, or an error. */
export interface CommandAnswer {
  readonly value?: unknown;
  readonly fault?: { readonly code: number; readonly message: string };
}

/** An item from the brain to a worker. */
export type ToWorker =
  | readonly ['setup', WorkerSetup]
  /** Asks for a pong. */
  | readonly ['ping']
  | readonly ['live', LiveSetup]
  /** The new key for dialog tokens. */
  | readonly ['key', string]
  /** Whether to ask about every request, since messages are traced. */
  | readonly ['askAll', boolean]
  /** An ICMP error for a message of this worker, which another process received. */
  | readonly ['undelivered', address: string, port: number, text: string]
  /** The remembered dialogs (`KnownDialogs`) are no longer valid. */
  | readonly ['forget']
  | readonly ['relay', id: number, relay: SharedRelay]
  | readonly ['reply', id: number, code: number, reason: string, headers: string | null]
  /** The brain does what was decided itself. */
  | readonly ['mine', id: number]
  | readonly ['verdict', id: number, verdict: FailureDecision]
  /** A requested state change was decided: the destination has the state, or keeps its own. */
  | readonly ['marked', mark: number]
  /** Rules, valid while their number is in the shared memory; null: none. */
  | readonly ['rules', epoch: number, rules: string | null]
  /** A table follows in items of rows; with the first word in the shared memory and the size of each set. */
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
  /** A message could not be sent over a connection; `stale`: the connection worked before. */
  | readonly ['unsent', id: number, cause: TransportError['cause'], message: string, stale: boolean]
  /** Make warm-up calls. */
  | readonly ['warmUp', plan: WarmUpPlan]
  /** The script for new requests from now on. */
  | readonly ['script', version: number, SharedScript]
  /** Read the tables of the script's modules again, or those of one partition of drouting. */
  | readonly ['scriptTables', version: number, partition: string | undefined]
  /** Run a management command of a module; the parameters are JSON. */
  | readonly ['command', id: number, name: string, params: string]
  /** Answer 503 to requests without a final reply. */
  | readonly ['giveUp'];

/** How many warm-up calls to make, and in which flavours' partitions: their code differs. */
export interface WarmUpPlan {
  readonly calls: number;
  readonly flavours: readonly FlavourName[];
}

/** Levels of log lines. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** Items to a worker that may be lost, like any datagram: the text of a message is last. */
export type HandedToWorker = Extract<ToWorker, readonly ['message' | 'undelivered', ...unknown[]]>;

/** The same for items to the brain. */
export type HandedToBrain = Extract<
  FromWorker,
  readonly ['pass' | 'to' | 'send' | 'seen' | 'undelivered', ...unknown[]]
>;
