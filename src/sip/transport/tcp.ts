import { createServer, connect as netConnect, type Server, type Socket } from 'node:net';
import { SwitchyardError } from '../../core/errors.js';
import type { TransportName } from '../../core/uri.js';
import { StreamFraming } from './stream-framing.js';
import {
  type Flow,
  hostPort,
  later,
  newFlowId,
  plainAddress,
  type Receiver,
  type SipSocket,
  type Source,
  type TransportError,
} from './transport.js';
import { causeOf } from './udp.js';

export interface StreamOptions {
  readonly address: string;
  readonly port: number;
  readonly advertise?: { readonly host: string; readonly port: number } | undefined;
  readonly description: string;
  /** Milliseconds a connection may be without traffic before it is closed; default 120 s. */
  readonly idleMs?: number;
  /** Milliseconds a message may take from its first byte to its last; default 30 s. */
  readonly messageMs?: number;
  /** Milliseconds a connection attempt may take; default 5 s. */
  readonly connectMs?: number;
  /** Bytes that may wait for a slow peer before the connection is closed; default 4 MiB. */
  readonly maxQueuedBytes?: number;
  /** Connections at most, inbound and outbound together; default 10,000. */
  readonly maxConnections?: number;
}

interface Waiting {
  readonly text: string;
  readonly onError: ((error: TransportError) => void) | undefined;
}

/** One connection, inbound or outbound: framing, keep-alive, bounds. */
export class StreamConnection implements Flow {
  readonly id = newFlowId();
  open = true;
  connected: boolean;
  /** Names it is found by among the connections of its socket. */
  readonly keys: string[] = [];
  private readonly framing = new StreamFraming();
  private readonly source: Source;
  private waiting: Waiting[] = [];
  private messageTimer: NodeJS.Timeout | undefined;

  constructor(
    private readonly owner: StreamSocket,
    readonly socket: Socket,
    readonly address: string,
    readonly port: number,
    connected: boolean,
  ) {
    this.connected = connected;
    this.source = { socket: owner, address, port, flow: this };
    socket.setNoDelay(true);
    socket.setTimeout(connected ? owner.idleMs : owner.connectMs);
    socket.on('timeout', () =>
      this.fail({ cause: 'timeout', message: this.connected ? 'idle' : 'no answer to connect' }),
    );
    socket.on('error', (error) => this.fail({ cause: owner.causeOf(error), message: error.message }));
    socket.on('close', () => this.fail({ cause: 'refused', message: 'connection closed' }));
    socket.on('data', (data: Buffer) => this.take(data));
  }

  /** The connection is established (TLS: and the handshake is done). */
  ready(): void {
    this.connected = true;
    this.socket.setTimeout(this.owner.idleMs);
    const waiting = this.waiting;
    this.waiting = [];
    for (const each of waiting) this.write(each.text, each.onError);
  }

  write(text: string, onError: ((error: TransportError) => void) | undefined): void {
    if (!this.open) {
      later(onError, { cause: 'refused', message: 'connection closed' });
      return;
    }
    if (!this.connected) {
      this.waiting.push({ text, onError });
      return;
    }
    if (this.socket.writableLength > this.owner.maxQueuedBytes) {
      this.fail({ cause: 'send', message: 'the peer does not read' });
      later(onError, { cause: 'send', message: 'the peer does not read' });
      return;
    }
    this.socket.write(text, 'latin1');
  }

  /** Closes and tells everyone who waits. */
  fail(error: TransportError): void {
    if (!this.open) return;
    this.open = false;
    if (this.messageTimer !== undefined) clearTimeout(this.messageTimer);
    this.owner.forget(this);
    this.socket.destroy();
    for (const each of this.waiting) each.onError?.(error);
    this.waiting = [];
  }

  private take(data: Buffer): void {
    for (const event of this.framing.push(data.toString('latin1'))) {
      if (event.kind === 'message') this.owner.receiver.receive(event.text, this.source);
      else if (event.kind === 'ping') this.socket.write('\r\n');
      else {
        this.owner.receiver.garbage(event.reason, this.source, data.length);
        this.fail({ cause: 'send', message: event.reason });
        return;
      }
    }
    if (this.framing.pending > 0) {
      this.messageTimer ??= setTimeout(() => {
        this.owner.receiver.garbage('a message was not completed in time', this.source, this.framing.pending);
        this.fail({ cause: 'timeout', message: 'a message was not completed in time' });
      }, this.owner.messageMs).unref();
    } else if (this.messageTimer !== undefined) {
      clearTimeout(this.messageTimer);
      this.messageTimer = undefined;
    }
  }
}

/** What TCP and TLS share: a listener, and connections found again by their remote end (RFC 3261 section 18). */
export abstract class StreamSocket implements SipSocket {
  abstract readonly transport: TransportName;
  readonly reliable = true;
  readonly family: 4 | 6;
  readonly address: string;
  port: number;
  sentBy = '';
  readonly description: string;
  readonly idleMs: number;
  readonly messageMs: number;
  readonly connectMs: number;
  readonly maxQueuedBytes: number;
  private readonly connections = new Map<string, StreamConnection>();
  private readonly all = new Map<string, StreamConnection>();
  private server: Server | undefined;
  private closed = false;

  constructor(
    protected readonly options: StreamOptions,
    readonly receiver: Receiver,
  ) {
    this.address = options.address;
    this.port = options.port;
    this.family = options.address.indexOf(':') >= 0 ? 6 : 4;
    this.description = options.description;
    this.idleMs = options.idleMs ?? 120_000;
    this.messageMs = options.messageMs ?? 30_000;
    this.connectMs = options.connectMs ?? 5_000;
    this.maxQueuedBytes = options.maxQueuedBytes ?? 4 * 1024 * 1024;
  }

  /** Makes the listening server; each usable connection goes to `accept`. */
  protected abstract listen(accept: (socket: Socket) => void): Server;
  /** Makes an outbound connection and calls `ready` when it can be written to. */
  protected abstract connect(address: string, port: number, serverName: string | undefined, ready: () => void): Socket;

  causeOf(error: Error): TransportError['cause'] {
    return causeOf(error);
  }

  /** Open connections. */
  get size(): number {
    return this.all.size;
  }

  async open(): Promise<void> {
    const server = this.listen((socket) => this.accept(socket));
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      const fail = (error: Error) =>
        reject(
          new SwitchyardError('TRANSPORT_BIND', `cannot bind ${this.description}: ${error.message}`, { cause: error }),
        );
      server.once('error', fail);
      server.listen({ host: this.address, port: this.options.port, ipv6Only: this.family === 6 }, () => {
        server.off('error', fail);
        resolve();
      });
    });
    server.on('error', () => {});
    this.port = (server.address() as { port: number }).port;
    const shown = this.options.advertise;
    this.sentBy =
      shown === undefined ? hostPort(this.address, this.port) : hostPort(shown.host, shown.port || this.port);
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
    const key = connectionKey(address, port, serverName);
    const known = this.connections.get(key) ?? this.connections.get(connectionKey(address, port, undefined));
    if (known?.open) {
      known.write(text, onError);
      return;
    }
    if (this.closed) {
      later(onError, { cause: 'send', message: 'the socket is closed' });
      return;
    }
    if (this.all.size >= (this.options.maxConnections ?? 10_000)) {
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
    this.all.set(made.id, made);
    this.register(key, made);
    made.write(text, onError);
  }

  findFlow(id: string): { flow: Flow; address: string; port: number } | undefined {
    const connection = this.all.get(id);
    return connection === undefined
      ? undefined
      : { flow: connection, address: connection.address, port: connection.port };
  }

  /** @internal A connection is gone. */
  forget(connection: StreamConnection): void {
    this.all.delete(connection.id);
    for (const key of connection.keys) if (this.connections.get(key) === connection) this.connections.delete(key);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    const server = this.server;
    for (const connection of [...this.all.values()]) connection.fail({ cause: 'send', message: 'shutting down' });
    if (server?.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  private accept(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress ?? '');
    const port = socket.remotePort ?? 0;
    if (this.closed || address === '' || this.all.size >= (this.options.maxConnections ?? 10_000)) {
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    const connection = new StreamConnection(this, socket, address, port, true);
    this.all.set(connection.id, connection);
    this.register(connectionKey(address, port, undefined), connection);
  }

  private register(key: string, connection: StreamConnection): void {
    connection.keys.push(key);
    this.connections.set(key, connection);
  }
}

function connectionKey(address: string, port: number, serverName: string | undefined): string {
  return serverName === undefined ? `${address}|${port}` : `${address}|${port}|${serverName}`;
}

/** SIP over TCP. */
export class TcpSocket extends StreamSocket {
  readonly transport = 'tcp' as const;

  protected listen(accept: (socket: Socket) => void): Server {
    return createServer({ noDelay: true }, accept);
  }

  protected connect(address: string, port: number, _serverName: string | undefined, ready: () => void): Socket {
    // From the address we listen on, so that the peer sees the address it is configured for.
    const local = this.address === '0.0.0.0' || this.address === '::' ? undefined : this.address;
    return netConnect({ host: address, port, ...(local === undefined ? {} : { localAddress: local }) }, ready);
  }
}
