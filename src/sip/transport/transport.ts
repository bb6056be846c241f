import { systemRandom } from '../../core/random.js';
import type { TransportName } from '../../core/uri.js';
import type { SipMessage } from '../message.js';
import type { TlsFacts } from './tls-facts.js';

/** One local socket SIP is received on and sent from. */
export interface SipSocket {
  readonly transport: TransportName;
  /** Whether the transport is reliable: no retransmissions over it. */
  readonly reliable: boolean;
  readonly family: 4 | 6;
  /** Bound address without brackets, and port. */
  readonly address: string;
  readonly port: number;
  /** "host:port" that goes into Via and Record-Route: the advertised one, IPv6 in brackets. */
  readonly sentBy: string;
  /** "udp:127.0.0.1:5060" as it was configured: destinations and MI name sockets by it. */
  readonly description: string;
  /**
   * Sends one message. Errors come through `onError`, after this call, never in it and never as an exception. For streams: `flow` is
   * the connection a request came in on, used while it is open; without it, or closed, one to address:port is used.
   */
  send(
    text: string,
    address: string,
    port: number,
    onError: ((error: TransportError) => void) | undefined,
    flow?: Flow | undefined,
    serverName?: string | undefined,
  ): void;
  /** The connection that `send` with the same arguments would use now; undefined when there is none. Absent for datagram sockets. */
  connectionTo?(
    address: string,
    port: number,
    flow: Flow | undefined,
    serverName: string | undefined,
  ): Flow | undefined;
  /** Limits the time for a pending connection to an address to `ms` from now. Absent for datagram sockets. */
  hurry?(address: string, port: number, serverName: string | undefined, ms: number): void;
  /** The connection of this socket that a flow token names, while it is open. Absent for datagram sockets. */
  findFlow?(id: string): { readonly flow: Flow; readonly address: string; readonly port: number } | undefined;
  /** Its connections; absent for datagram sockets. */
  readonly counts?: ConnectionCounts;
  /**
   * Reads the certificate files again; the returned function activates them for connections made from then on. Absent
   * where there are none. Throws SwitchyardError TRANSPORT_BIND naming the file; the old ones then stay in use.
   */
  reloadCertificates?(): () => void;
  /** Starts receiving. Throws SwitchyardError TRANSPORT_BIND. */
  open(): Promise<void>;
  /** Ends receiving and closes all connections. What was passed to `send` before still leaves, as far as it can at once. */
  close(): Promise<void>;
}

/** Connections of one stream socket. */
export interface ConnectionCounts {
  /** Open, made by peers. */
  readonly inbound: number;
  /** Open or being opened by us. */
  readonly outbound: number;
  /** Refused since the start, in either direction, because there were too many. */
  readonly refused: number;
}

/** Why a message could not be sent. `cause` is what a probe or an event names. */
export interface TransportError {
  readonly cause: 'refused' | 'tls' | 'dns' | 'send' | 'timeout';
  readonly message: string;
  /** A connection broke that had worked before: the peer may have restarted and may accept a new one. */
  readonly stale?: boolean;
}

/** A stream connection as the layers above know it. */
export interface Flow {
  /** Unguessable name, for flow tokens (RFC 5626 section 5.2). */
  readonly id: string;
  readonly open: boolean;
  /** What is known of its TLS; undefined without. Read on demand: a script that asks has the certificates parsed once. */
  readonly tls?: TlsFacts | undefined;
}

/** Where a message came from. */
export interface Source {
  readonly socket: SipSocket;
  /** Without brackets. */
  readonly address: string;
  readonly port: number;
  /** The connection it came in on, for streams. */
  readonly flow: Flow | undefined;
}

/** Receives what a socket delivers: one whole message per call, as latin1 text. */
export interface Receiver {
  /**
   * Parses a message that `receive` is given later: those that are read together are parsed one after the other, before the first is
   * handled, so that the code for it is in the processor's caches. Undefined where that is left to `receive`. Never throws.
   */
  parse?(text: string): SipMessage | undefined;
  /** A message as it came, one code unit a byte; `parsed` is what `parse` made of it. */
  receive(text: string, source: Source, parsed?: SipMessage): void;
  /** Bytes that are no message: counted, never answered. */
  garbage(reason: string, source: Source, bytes: number): void;
  /** A connection that had worked was reset: requests sent over it get no final reply. */
  connectionBroken(flow: Flow): void;
  /**
   * The header section of an unacceptable message, from a stream that cannot be framed any further: a request is
   * answered with `code`, anything else is counted. The connection is closed after this call.
   */
  refused(head: string, code: number, reason: string, source: Source): void;
  /**
   * A datagram of ours did not arrive: ICMP reports that nothing listens at `address` and `port`, or that it is
   * unreachable (RFC 3261 section 18.4). `text` is its beginning, as quoted by the system. Only if the system reports
   * such errors.
   */
  undelivered(text: string, address: string, port: number): void;
}

/** Host for a sent-by or URI: IPv6 literals get their brackets. */
export function hostPort(host: string, port: number): string {
  return host.indexOf(':') >= 0 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** What a socket writes into Via: its own address, or the one advertised for it, whose port may be left to the socket. */
export function sentByOf(
  bound: { readonly address: string; readonly port: number },
  shown: { readonly host: string; readonly port: number } | undefined,
): string {
  return shown === undefined ? hostPort(bound.address, bound.port) : hostPort(shown.host, shown.port || bound.port);
}

/** The word for a system error. */
export function causeOf(error: Error): TransportError['cause'] {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === 'EPIPE') return 'refused';
  if (code === 'ETIMEDOUT') return 'timeout';
  return 'send';
}

/** Reports an error after the current call returns: the sender must first finish its own call of `send`. */
export function later(onError: ((error: TransportError) => void) | undefined, error: TransportError): void {
  if (onError !== undefined) queueMicrotask(() => onError(error));
}

/** 64 random bits that name a connection. */
export function newFlowId(): string {
  return systemRandom.uint32().toString(36) + systemRandom.uint32().toString(36);
}

/** An IPv4 address that came as an IPv4-mapped IPv6 one, as IPv4. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.indexOf('.') > 0 ? address.slice(7) : address;
}
