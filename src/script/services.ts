import type { TransportName } from '../core/uri.js';
import type { PvarValue } from '../pvar/context.js';

/** What a query gave. */
export interface SqlResult {
  readonly columns: readonly string[];
  /** Rows in order, at most as many as the service reads; values are text, numbers or null. */
  readonly rows: readonly (readonly PvarValue[])[];
}

/** One database a script uses. Every operation ends within a bounded time. */
export interface SqlDatabase {
  /** Runs a statement as it is written. Rejects with SwitchyardError STORE_*. */
  query(statement: string): Promise<SqlResult>;
  /** A value as it is written in a statement: text in quotes, with what the database gives a meaning within them escaped. */
  quoted(value: PvarValue): string;
  /** Adds rows to a table; all of them have the same columns. Rejects with SwitchyardError STORE_*. */
  insert(table: string, rows: readonly Readonly<Record<string, PvarValue>>[]): Promise<void>;
}

/** A request of a script over HTTP. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string | undefined;
  /** Milliseconds until a connection must be there, and for all of it. */
  readonly connectMs: number;
  readonly totalMs: number;
  /** Bytes of an answer that are read. */
  readonly mostBytes: number;
  /** A certificate that cannot be verified ends it. */
  readonly verify: boolean;
}

/** The answer of an HTTP server. */
export interface HttpAnswer {
  readonly status: number;
  readonly type: string | undefined;
  readonly body: string;
}

/** Why there is no answer. */
export type HttpFailure = 'refused' | 'connect timeout' | 'timeout' | 'too long' | 'failed';

/** The answer of an RPC command: its code and text as HTTP has them, and the JSON. */
export interface RpcAnswer {
  readonly code: number;
  readonly reason: string;
  readonly body: string;
}

/** Who sent a command by HTTP: address, and credentials. */
export interface RpcSender {
  readonly peer: string;
  readonly authorization: string | undefined;
}

/** One message for a capture server. */
export interface CapturedMessage {
  readonly text: string;
  readonly direction: 'in' | 'out';
  readonly transport: TransportName;
  readonly local: { readonly address: string; readonly port: number };
  readonly remote: { readonly address: string; readonly port: number };
  /** What the server finds it by: the Call-ID, or what the script says instead. */
  readonly callId: string;
}

/** Copies of messages that a script chooses for a capture server. */
export interface ScriptCaptures {
  /** Sends one message, to the server of the settings or to another ("udp:host:port"); false where that cannot be. */
  send(message: CapturedMessage, server: string | undefined): boolean;
  /** Sends what comes and leaves from now on of a transaction, by its CSeq ("1 INVITE"), or with undefined of a dialog. */
  follow(callId: string, cseq: string | undefined): void;
  /** Sends a line of a log. */
  log(text: string, correlation: string): boolean;
}

/** What modules reach outside the process by. */
export interface ScriptServices {
  /** Nothing outside the process may be asked for more than data: a script is only rehearsed. */
  readonly isolated?: true;
  /** The database of a URL as cfg files write it; nothing is connected yet. Throws SwitchyardError for a URL that cannot be used. */
  database(url: string): SqlDatabase;
  /** Runs something before databases are closed: what waits for one is written then. Absent where nothing is written. */
  beforeClosing?(write: () => Promise<void>): void;
  /** One request over HTTP; the text says why it failed. Never rejects. */
  http(request: HttpRequest): Promise<HttpAnswer | HttpFailure>;
  /** Runs a command of Kamailio's RPC written as JSON, for the script itself or for who sent it by HTTP; undefined for what is not JSON. */
  rpc(text: string, sender: RpcSender | undefined): Promise<RpcAnswer | undefined>;
  /** Copies of messages; undefined where there is no capture server. */
  readonly captures?: ScriptCaptures | undefined;
  /** Sends an event to a socket for some seconds; what is wrong with that, else undefined. */
  subscribe(event: string, socket: string, seconds: number | undefined): string | undefined;
  /** Publishes on "<prefix>.calls.<partition>.<kind>". False where records are not published. */
  publish(partition: string, kind: string, text: string): boolean;
  /** Whether this node is the active one of a sharing tag; undefined for an unknown one, and without a cluster. */
  sharingTag(name: string): 'active' | 'backup' | undefined;
}

/** For scripts without a daemon: no database, nothing published. */
export const NO_SERVICES: ScriptServices = {
  database() {
    throw new Error('there is no database here');
  },
  http: () => Promise.resolve('failed'),
  rpc: () => Promise.resolve(undefined),
  subscribe: () => 'there are no events here',
  publish: () => false,
  sharingTag: () => undefined,
};
