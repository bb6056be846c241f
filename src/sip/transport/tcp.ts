import { createServer, connect as netConnect, type Server, type Socket } from 'node:net';
import { isWildcard } from '../../core/local-addresses.js';
import type { TransportName } from '../../core/uri.js';
import { parseReceived } from '../received.js';
import { type AcceptedSockets, acceptedInto } from './accepted.js';
import { bindStream, type StreamLimits, type StreamOptions, streamLimits } from './bind.js';
import { ConnectionTable } from './connection-table.js';
import { type ConnectionOwner, StreamConnection, type WebSide } from './stream-connection.js';
import {
  type ConnectionCounts,
  causeOf,
  type Flow,
  later,
  plainAddress,
  type Receiver,
  sentByOf,
  type TransportError,
} from './transport.js';

/** Maximum number of additional names of a connection (RFC 5923). */
const MAX_ALIASES = 4;
/** Milliseconds in which peers may read what was written, when the socket closes. */
const END_MS = 300;

/**
 * The common part of TCP and TLS: a listener, and connections found again by their remote end (RFC 3261 section 18).
 */
export abstract class StreamSocket implements ConnectionOwner {
  abstract readonly transport: TransportName;
  readonly reliable = true;
  readonly family: 4 | 6;
  readonly address: string;
  port: number;
  sentBy = '';
  readonly description: string;
  readonly limits: StreamLimits;
  private readonly connections: ConnectionTable<StreamConnection>;
  /** Accepted sockets, including those in a TLS handshake. */
  private readonly accepted: AcceptedSockets;
  /** The WebSocket listener that shares the port; set before connections come. */
  web: WebSide | undefined = undefined;
  private server: Server | undefined = undefined;
  private closed = false;

  constructor(
    protected readonly options: StreamOptions,
    readonly receiver: Receiver,
  ) {
    this.address = options.address;
    this.port = options.port;
    this.family = options.address.indexOf(':') >= 0 ? 6 : 4;
    this.description = options.description;
    this.limits = streamLimits(options);
    this.connections = new ConnectionTable(this.limits.maxConnections);
    this.accepted = acceptedInto(this.connections, this.limits);
  }

  /** Creates the listening server; `accept` gets each usable connection. */
  protected abstract listen(accept: (socket: Socket) => void): Server;
  /** Opens an outbound connection; calls `ready` when it can be written to. */
  protected abstract connect(address: string, port: number, serverName: string | undefined, ready: () => void): Socket;
  /** The name under which connections to a host name at an address are stored and found. */
  protected abstract key(address: string, port: number, serverName: string | undefined): string;
  /**
   * Whether the peer is authenticated as the one at this address, so that requests to its listener may be sent over
   * this connection (RFC 5923 section 8).
   */
  protected abstract trusted(socket: Socket, address: string): boolean;

  /** The cause that an error of a connection has for its requests. */
  causeOf(error: Error): TransportError['cause'] {
    return causeOf(error);
  }

  get counts(): ConnectionCounts {
    return this.connections.counts;
  }

  async open(): Promise<void> {
    const server = this.listen((socket) => this.accept(socket));
    this.server = server;
    // Outbound connections have a limit of their own, so that peers who connect cannot keep us from reaching
    // destinations.
    this.accepted.watch(server);
    this.port = await bindStream(server, this.options);
    this.sentBy = sentByOf(this, this.options.advertise);
  }

  send(
    text: string,
    address: string,
    port: number,
    onError: ((error: TransportError) => void) | undefined,
    flow?: Flow | undefined,
    serverName?: string | undefined,
  ): void {
    if (flow instanceof StreamConnection && flow.open) {
      flow.write(text, onError);
      return;
    }
    const key = this.key(address, port, serverName);
    const known = this.connections.named(key);
    if (known !== undefined) {
      known.write(text, onError);
      return;
    }
    if (this.closed) {
      later(onError, { cause: 'send', message: 'the socket is closed' });
      return;
    }
    if (this.connections.full) {
      this.connections.refused++;
      later(onError, { cause: 'send', message: 'too many connections' });
      return;
    }
    let made: StreamConnection | undefined;
    try {
      const socket = this.connect(address, port, serverName, () => made?.ready());
      made = new StreamConnection(this, socket, address, port, false);
    } catch (error) {
      later(onError, { cause: 'send', message: (error as Error).message });
      return;
    }
    this.connections.add(made, key);
    // Requests inside dialogs often go to a Contact with the bare address: they shall find this connection too.
    const nameless = this.key(address, port, undefined);
    if (nameless !== key && this.connections.named(nameless) === undefined) this.connections.name(made, nameless);
    made.write(text, onError);
  }

  connectionTo(
    address: string,
    port: number,
    flow: Flow | undefined,
    serverName: string | undefined,
  ): Flow | undefined {
    return flow instanceof StreamConnection && flow.open
      ? flow
      : this.connections.named(this.key(address, port, serverName));
  }

  limitConnectTime(address: string, port: number, serverName: string | undefined, ms: number): void {
    this.connections.named(this.key(address, port, serverName))?.limitConnectTime(ms);
  }

  findFlow(id: string): { flow: Flow; address: string; port: number } | undefined {
    return this.connections.flow(id);
  }

  /** @internal The peer has closed its sending side: no further requests are sent over the connection. */
  halfClosed(connection: StreamConnection): void {
    this.connections.unname(connection);
  }

  /** @internal */
  broken(connection: StreamConnection): void {
    this.receiver.connectionBroken(connection);
  }

  /** @internal */
  forget(connection: StreamConnection): void {
    this.connections.remove(connection);
  }

  /**
   * @internal A request with the Via parameter "alias" allows that requests to its sent-by are sent over its connection
   * (RFC 5923). This is accepted only if sent-by is the source address, since any other could be forged.
   */
  aliasWanted(connection: StreamConnection, text: string): void {
    const names = this.connections.namesOf(connection);
    if (!connection.inbound || names.length > MAX_ALIASES || !this.trusted(connection.socket, connection.address))
      return;
    const message = parseReceived(text);
    const via = message?.via;
    if (message === undefined || via === undefined || !message.isRequest) return;
    if (!/;[ \t\r\n]*alias[ \t\r\n]*(?:;|$)/i.test(text.slice(via.start, via.end))) return;
    const host = via.host.startsWith('[') ? via.host.slice(1, -1) : via.host;
    if (host.toLowerCase() !== connection.address.toLowerCase()) return;
    const port = via.port || (this.transport === 'tls' ? 5061 : 5060);
    const key = this.key(connection.address, port, undefined);
    if (!names.includes(key)) this.connections.name(connection, key);
  }

  /** Closes the listener and all connections; resolves when they are closed. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    const { server } = this;
    const down = server?.listening
      ? new Promise<void>((resolve) => server.close(() => resolve()))
      : Promise.resolve(undefined);
    await Promise.all(this.connections.list().map((connection) => connection.end(END_MS)));
    for (const socket of this.accepted.list()) socket.destroy();
    await down;
  }

  private accept(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress ?? '');
    if (this.closed || address === '') {
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    const connection = new StreamConnection(this, socket, address, socket.remotePort ?? 0, true);
    this.connections.add(connection, this.key(address, connection.port, undefined));
  }
}

/** SIP over TCP. */
export class TcpSocket extends StreamSocket {
  readonly transport = 'tcp' as const;

  protected listen(accept: (socket: Socket) => void): Server {
    // A peer that has closed its sending side still gets the replies to its requests.
    return createServer({ noDelay: true, allowHalfOpen: true }, accept);
  }

  protected connect(address: string, port: number, _serverName: string | undefined, ready: () => void): Socket {
    return netConnect({ host: address, port, ...this.localAddress }, ready);
  }

  /** Without TLS the address alone identifies the peer; the host name does not matter. */
  protected key(address: string, port: number): string {
    return `${address}|${port}`;
  }

  /** Another host that uses a gateway's address could take over its connections; only a certificate authenticates. */
  protected trusted(): boolean {
    return false;
  }

  /** Connects from the address it listens on, since peers are configured for that one. */
  private get localAddress(): { localAddress?: string } {
    return isWildcard(this.address) ? {} : { localAddress: this.address };
  }
}
