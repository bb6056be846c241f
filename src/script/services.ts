import type { KeptCall } from '../core/kept-call.js';
import type { TransportName } from '../core/uri.js';
import type { PvarValue } from '../pvar/context.js';

/** The result of a query. */
export interface SqlResult {
  readonly columns: readonly string[];
  /** Rows in order, up to the maximum that the service reads; values are text, numbers or null. */
  readonly rows: readonly (readonly PvarValue[])[];
}

/** One database a script uses. Every operation ends within a bounded time. */
export interface SqlDatabase {
  /** Executes an SQL statement. Rejects with SwitchyardError STORE_*. */
  query(statement: string): Promise<SqlResult>;
  /** A value as an SQL literal: text in quotes, with the characters escaped that the database treats specially. */
  quoted(value: PvarValue): string;
  /** Inserts rows into a table; all rows have the same columns. Rejects with SwitchyardError STORE_*. */
  insert(table: string, rows: readonly Readonly<Record<string, PvarValue>>[]): Promise<void>;
  /**
   * Replaces all rows of a table in one transaction, without those that the database refuses; returns their number. All
   * rows have the same columns. After `limitMs` milliseconds nothing is changed any more. Rejects with SwitchyardError
   * STORE_*; the table then has its old rows.
   */
  replace(table: string, rows: readonly Readonly<Record<string, PvarValue>>[], limitMs: number): Promise<number>;
}

/** A request of a script over HTTP. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string | undefined;
  /** Timeouts in milliseconds for connecting, and for the whole request. */
  readonly connectMs: number;
  readonly totalMs: number;
  /** Maximum number of bytes of the answer's body. */
  readonly maxBytes: number;
  /** Whether a longer body is cut; otherwise the request fails. */
  readonly cut?: boolean;
  /** Whether a certificate that cannot be verified makes the request fail. */
  readonly verify: boolean;
  /** Further settings for TLS. */
  readonly tls?: HttpTls | undefined;
}

/** TLS settings of a request: contents of PEM files. */
export interface HttpTls {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Whether the certificate must be valid for the host of the URL. */
  readonly checksHost: boolean;
}

/** The answer of an HTTP server. */
export interface HttpAnswer {
  readonly status: number;
  readonly type: string | undefined;
  readonly body: string;
  /** Location and WWW-Authenticate fields. */
  readonly location: string | undefined;
  readonly challenges: readonly string[];
}

/** Why a request got no answer. */
export type HttpFailure =
  | 'refused'
  | 'unreachable'
  | 'unknown host'
  | 'connect timeout'
  | 'timeout'
  | 'too long'
  | 'bad url'
  | 'unknown scheme'
  | 'no answer'
  | 'tls'
  | 'certificate'
  | 'failed';

/** The result of an RPC command as an HTTP answer: status, reason and JSON. */
export interface RpcAnswer {
  readonly code: number;
  readonly reason: string;
  readonly body: string;
}

/** Who sent a command by HTTP: address and credentials. */
export interface RpcSender {
  readonly peer: string;
  readonly authorization: string | undefined;
}

/** A message for a capture server (HEP). */
export interface CapturedMessage {
  readonly text: string;
  readonly direction: 'in' | 'out';
  readonly transport: TransportName;
  readonly local: { readonly address: string; readonly port: number };
  readonly remote: { readonly address: string; readonly port: number };
  /** Correlation id: the Call-ID, or what the script gives instead. */
  readonly callId: string;
}

/** Sends copies of messages that a script chooses to a capture server. */
export interface ScriptCaptures {
  /** Sends one message to the configured server or to another ("udp:host:port"); false where that is not possible. */
  send(message: CapturedMessage, server: string | undefined): boolean;
  /**
   * From now on sends all messages of a transaction, named by its CSeq ("1 INVITE"), or with undefined of the dialog.
   */
  follow(callId: string, cseq: string | undefined): void;
  /** Sends a log line. */
  log(text: string, correlation: string): boolean;
}

/** Services outside the process that modules use. */
export interface ScriptServices {
  /** Set when a script is only tried (`check`): then modules may read data but cause no effects outside the process. */
  readonly isolated?: true;
  /** The database of a URL as cfg files write it; does not connect yet. Throws SwitchyardError for an unusable URL. */
  database(url: string): SqlDatabase;
  /**
   * Registers a function to run before the databases are closed, which writes the remaining rows. Absent where nothing
   * is written.
   */
  beforeClosing?(write: () => Promise<void>): void;
  /** Sends one HTTP request; a text result says why there is no answer. Never rejects. */
  http(request: HttpRequest): Promise<HttpAnswer | HttpFailure>;
  /**
   * Runs a command of Kamailio's RPC given as JSON, for the script itself or for an HTTP client; undefined when the
   * text is not JSON.
   */
  rpc(text: string, sender: RpcSender | undefined): Promise<RpcAnswer | undefined>;
  /**
   * Runs a management command (MI) for the script: parameters by name, or in order. The result is JSON; `fault` that of
   * an error. Undefined where there are no commands.
   */
  mi(
    command: string,
    params: Readonly<Record<string, string>> | readonly string[],
  ): Promise<{ readonly text: string; readonly fault: boolean } | undefined>;
  /** Undefined when no capture server is configured. */
  readonly captures?: ScriptCaptures | undefined;
  /** Subscribes a socket to an event for some seconds; returns an error text, or undefined when that worked. */
  subscribe(event: string, socket: string, seconds: number | undefined): string | undefined;
  /** Whether a program has subscribed to an event. */
  subscribed(event: string): boolean;
  /** Sends an event to the programs that have subscribed to it. */
  raise(event: string, params: ReadonlyMap<string, PvarValue>): void;
  /** Publishes on the NATS subject "<prefix>.calls.<partition>.<kind>". False where records are not published. */
  publish(partition: string, kind: string, text: string): boolean;
  /**
   * In a process that may end before the daemon: keeps the content of the record of a whole call in the main process,
   * by an ID of the call; undefined: the call has ended here. Absent in other processes.
   */
  readonly keep?: ((id: string, call: KeptCall | undefined) => void) | undefined;
  /** Whether this node is the active one of a sharing tag; undefined for an unknown tag, and without a cluster. */
  sharingTag(name: string): 'active' | 'backup' | undefined;
}

/** Services of a script without a daemon: no database, nothing published. */
export const NO_SERVICES: ScriptServices = {
  database() {
    throw new Error('there is no database here');
  },
  http: () => Promise.resolve('failed'),
  rpc: () => Promise.resolve(undefined),
  mi: () => Promise.resolve(undefined),
  subscribe: () => 'there are no events here',
  subscribed: () => false,
  raise: () => {},
  publish: () => false,
  sharingTag: () => undefined,
};
