import { systemRandom } from '../../core/random.js';
import type { TransportName } from '../../core/uri.js';
import type { SipMessage } from '../message.js';
import type { TlsFacts } from './tls-facts.js';

/** A local socket for SIP. */
export interface SipSocket {
  readonly transport: TransportName;
  /** Whether the transport is reliable, so that nothing is retransmitted. */
  readonly reliable: boolean;
  readonly family: 4 | 6;
  /** Bound address without brackets, and port. */
  readonly address: string;
  readonly port: number;
  /** "host:port" for Via and Record-Route: the advertised address, IPv6 in brackets. */
  readonly sentBy: string;
  /** For example "udp:127.0.0.1:5060", as configured; destinations and MI use it as the socket's name. */
  readonly description: string;
  /**
   * Sends one message. Errors are reported with `onError` after this call, never as an exception. `flow`: the
   * connection that a request came by, used while it is open; otherwise a connection to address:port is used.
   */
  send(
    text: string,
    address: string,
    port: number,
    onError: ((error: TransportError) => void) | undefined,
    flow?: Flow | undefined,
    serverName?: string | undefined,
  ): void;
  /**
   * The connection that `send` with the same arguments would use; undefined when there is none. Absent for datagram
   * sockets.
   */
  connectionTo?(
    address: string,
    port: number,
    flow: Flow | undefined,
    serverName: string | undefined,
  ): Flow | undefined;
  /** Limits a pending connection to an address to `ms` milliseconds from now. Absent for datagram sockets. */
  limitConnectTime?(address: string, port: number, serverName: string | undefined, ms: number): void;
  /** The open connection with this flow token. Absent for datagram sockets. */
  findFlow?(id: string): { readonly flow: Flow; readonly address: string; readonly port: number } | undefined;
  /** Numbers of connections; absent for datagram sockets. */
  readonly counts?: ConnectionCounts;
  /**
   * Reads the certificate files again; the returned function uses them for connections from then on. Absent without
   * TLS. Throws SwitchyardError TRANSPORT_BIND naming the file; the old certificates then stay.
   */
  reloadCertificates?(): () => void;
  /** Starts receiving. Throws SwitchyardError TRANSPORT_BIND. */
  open(): Promise<void>;
  /** Stops receiving and closes all connections. What was sent before still leaves, if it can at once. */
  close(): Promise<void>;
}

/** Connections of one stream socket. */
export interface ConnectionCounts {
  /** Open connections that peers have opened. */
  readonly inbound: number;
  /** Connections opened by us, including those being established. */
  readonly outbound: number;
  /** Connections refused since the start because there were too many. */
  readonly refused: number;
}

/** Why a message could not be sent. `cause` is the word in probe outcomes and events. */
export interface TransportError {
  readonly cause: 'refused' | 'tls' | 'dns' | 'send' | 'timeout';
  readonly message: string;
  /** The connection worked before and has broken: the peer may have restarted, and may accept a new one. */
  readonly stale?: boolean;
}

/** A stream connection as the layers above know it. */
export interface Flow {
  /** Flow token that cannot be guessed (RFC 5626 section 5.2). */
  readonly id: string;
  readonly open: boolean;
  /** Facts of its TLS; undefined without TLS. Computed on demand, since only scripts ask for it. */
  readonly tls?: TlsFacts | undefined;
}

/** The sender of a message. */
export interface Source {
  readonly socket: SipSocket;
  /** IP literal without brackets. */
  readonly address: string;
  readonly port: number;
  /** The connection it came by, for streams. */
  readonly flow: Flow | undefined;
}

/** Receives the messages of sockets, one complete message per call, as latin1 text. */
export interface Receiver {
  /**
   * Parses a message that `receive` will get. All messages that were read together are parsed first, so that the
   * parser's code stays in the processor's caches. Returns undefined to leave parsing to `receive`. Never throws.
   */
  parse?(text: string): SipMessage | undefined;
  /** A message, one code unit for each byte; `parsed` is the result of `parse`. */
  receive(text: string, source: Source, parsed?: SipMessage): void;
  /** Bytes that are not a message: counted, never answered. */
  garbage(reason: string, source: Source, bytes: number): void;
  /** A connection that worked was reset: requests sent over it get no final reply. */
  connectionBroken(flow: Flow): void;
  /**
   * The header of a refused message, from a stream that cannot be split any further: a request is answered with `code`,
   * anything else is counted. The connection is closed after this call.
   */
  refused(head: string, code: number, reason: string, source: Source): void;
  /**
   * A datagram we sent did not arrive: ICMP reports that nothing listens at `address` and `port`, or that it is
   * unreachable (RFC 3261 section 18.4). `text`: how the datagram began. Called only if the system reports such errors.
   */
  undelivered(text: string, address: string, port: number): void;
}

/** "host:port" for sent-by or a URI; IPv6 literals get brackets. */
export function hostPort(host: string, port: number): string {
  return host.indexOf(':') >= 0 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The sent-by in a socket's Via: its own address, or the advertised one, whose port may be that of the socket. */
export function sentByOf(
  bound: { readonly address: string; readonly port: number },
  shown: { readonly host: string; readonly port: number } | undefined,
): string {
  return shown === undefined ? hostPort(bound.address, bound.port) : hostPort(shown.host, shown.port || bound.port);
}

/** The cause word for a system error. */
export function causeOf(error: Error): TransportError['cause'] {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === 'EPIPE') return 'refused';
  if (code === 'ETIMEDOUT') return 'timeout';
  return 'send';
}

/** Reports an error after the current call has returned, since the caller of `send` has to finish first. */
export function later(onError: ((error: TransportError) => void) | undefined, error: TransportError): void {
  if (onError !== undefined) queueMicrotask(() => onError(error));
}

/** A flow token of 64 random bits. */
export function newFlowId(): string {
  return systemRandom.uint32().toString(36) + systemRandom.uint32().toString(36);
}

/** IPv4-mapped IPv6 addresses become IPv4; others stay. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.indexOf('.') > 0 ? address.slice(7) : address;
}
