import { isUtf8 } from 'node:buffer';
import { createServer, type Server as HttpServer } from 'node:http';
import { createServer as createSecureServer, type Server as HttpsServer } from 'node:https';
import { WebSocket, WebSocketServer } from 'ws';
import { SwitchyardError } from '../../core/errors.js';
import type { StreamOptions } from './tcp.js';
import { readCertificates, type TlsOptions } from './tls.js';
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

/** Bytes of one message at most; a longer frame closes the connection. */
const MAX_MESSAGE_BYTES = 1024 * 1024;
/** Milliseconds between two looks whether a peer is still there. */
const PING_MS = 30_000;

/** One WebSocket connection. Each message in it is one SIP message (RFC 7118 section 5). */
class WsConnection implements Flow {
  readonly id = newFlowId();
  open = true;
  private alive = true;
  private waiting: { text: string; onError: ((error: TransportError) => void) | undefined }[] = [];

  constructor(
    private readonly owner: WsSocket,
    private readonly socket: WebSocket,
    readonly address: string,
    readonly port: number,
  ) {
    const source: Source = { socket: owner, address, port, flow: this };
    socket.binaryType = 'nodebuffer';
    socket.on('message', (data) => {
      this.alive = true;
      const text = (data as Buffer).toString('latin1');
      // CRLF frames are keep-alives (RFC 7118 section 6).
      if (text.trim() === '') return;
      owner.receiver.receive(text, source);
    });
    socket.on('pong', () => {
      this.alive = true;
    });
    socket.on('open', () => {
      const waiting = this.waiting;
      this.waiting = [];
      for (const each of waiting) this.write(each.text, each.onError);
    });
    socket.on('error', (error) => this.fail({ cause: causeOf(error), message: error.message }));
    socket.on('close', () => this.fail({ cause: 'refused', message: 'connection closed' }));
  }

  write(text: string, onError: ((error: TransportError) => void) | undefined): void {
    if (!this.open) {
      later(onError, { cause: 'refused', message: 'connection closed' });
      return;
    }
    if (this.socket.readyState === WebSocket.CONNECTING) {
      this.waiting.push({ text, onError });
      return;
    }
    if (this.socket.bufferedAmount > this.owner.maxQueuedBytes) {
      later(onError, { cause: 'send', message: 'the peer does not read' });
      this.fail({ cause: 'send', message: 'the peer does not read' });
      return;
    }
    // Text frames are what browsers take; bytes that are no UTF-8 go as a binary frame.
    const data = Buffer.from(text, 'latin1');
    this.socket.send(data, { binary: !isUtf8(data) }, (error) => {
      if (error) onError?.({ cause: causeOf(error), message: error.message });
    });
  }

  /** Asks for a sign of life; the second time without one the connection is gone. */
  probe(): void {
    if (!this.alive) {
      this.fail({ cause: 'timeout', message: 'no answer to ping' });
      return;
    }
    this.alive = false;
    if (this.socket.readyState === WebSocket.OPEN) this.socket.ping();
  }

  fail(error: TransportError): void {
    if (!this.open) return;
    this.open = false;
    this.owner.forget(this);
    this.socket.terminate();
    for (const each of this.waiting) each.onError?.(error);
    this.waiting = [];
  }
}

/** SIP over WebSocket, plain or over TLS (RFC 7118). */
export class WsSocket implements SipSocket {
  readonly reliable = true;
  readonly family: 4 | 6;
  readonly address: string;
  port: number;
  sentBy = '';
  readonly description: string;
  readonly maxQueuedBytes: number;
  private readonly connections = new Map<string, WsConnection>();
  private readonly all = new Map<string, WsConnection>();
  private readonly files: ReturnType<typeof readCertificates> | undefined;
  private server: HttpServer | HttpsServer | undefined;
  private sockets: WebSocketServer | undefined;
  private pings: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    readonly transport: 'ws' | 'wss',
    private readonly options: StreamOptions,
    readonly receiver: Receiver,
    private readonly tls: TlsOptions | undefined,
  ) {
    this.address = options.address;
    this.port = options.port;
    this.family = options.address.indexOf(':') >= 0 ? 6 : 4;
    this.description = options.description;
    this.maxQueuedBytes = options.maxQueuedBytes ?? 4 * 1024 * 1024;
    if (transport === 'wss') {
      if (tls === undefined)
        throw new SwitchyardError('TRANSPORT_BIND', `${options.description} needs "tls" with a certificate`);
      this.files = readCertificates(tls);
    }
  }

  async open(): Promise<void> {
    const server =
      this.files === undefined
        ? createServer()
        : createSecureServer({
            ...this.files,
            requestCert: this.tls?.verifyClient === true,
            rejectUnauthorized: this.tls?.verifyClient === true,
          });
    server.on('request', (_request, response) => {
      response.writeHead(426, { 'Content-Type': 'text/plain', Upgrade: 'websocket' });
      response.end('this is a SIP WebSocket\n');
    });
    this.server = server;
    this.sockets = new WebSocketServer({
      server,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
      // Without the sub-protocol the peer does not speak SIP (RFC 7118 section 4.1): the upgrade is refused below.
      handleProtocols: (protocols) => (protocols.has('sip') ? 'sip' : false),
      verifyClient: ({ req }: { req: { headers: Record<string, unknown> } }) =>
        /(^|,)\s*sip\s*(,|$)/i.test(String(req.headers['sec-websocket-protocol'] ?? '')),
    });
    this.sockets.on('error', () => {});
    this.sockets.on('connection', (socket, request) => {
      const address = plainAddress(request.socket.remoteAddress ?? '');
      const port = request.socket.remotePort ?? 0;
      if (this.closed || address === '' || this.all.size >= (this.options.maxConnections ?? 10_000)) {
        socket.terminate();
        return;
      }
      this.adopt(new WsConnection(this, socket, address, port));
    });
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
    this.pings = setInterval(() => {
      for (const connection of [...this.all.values()]) connection.probe();
    }, PING_MS).unref();
  }

  send(
    text: string,
    address: string,
    port: number,
    onError: ((error: TransportError) => void) | undefined,
    flow?: Flow | undefined,
    serverName?: string | undefined,
  ): void {
    if (flow instanceof WsConnection && flow.open) {
      flow.write(text, onError);
      return;
    }
    const known = this.connections.get(`${address}|${port}`);
    if (known?.open) {
      known.write(text, onError);
      return;
    }
    if (this.closed || this.all.size >= (this.options.maxConnections ?? 10_000)) {
      later(onError, { cause: 'send', message: this.closed ? 'the socket is closed' : 'too many connections' });
      return;
    }
    const url = `${this.transport}://${hostPort(address, port)}/`;
    const socket = new WebSocket(url, 'sip', {
      perMessageDeflate: false,
      maxPayload: MAX_MESSAGE_BYTES,
      handshakeTimeout: this.options.connectMs ?? 5000,
      ...(this.files ?? {}),
      ...(serverName === undefined ? {} : { servername: serverName }),
      ...(this.tls === undefined ? {} : { rejectUnauthorized: this.tls.verifyServer }),
    });
    const connection = new WsConnection(this, socket, address, port);
    this.adopt(connection);
    connection.write(text, onError);
  }

  findFlow(id: string): { flow: Flow; address: string; port: number } | undefined {
    const connection = this.all.get(id);
    return connection === undefined
      ? undefined
      : { flow: connection, address: connection.address, port: connection.port };
  }

  /** @internal A connection is gone. */
  forget(connection: WsConnection): void {
    this.all.delete(connection.id);
    const key = `${connection.address}|${connection.port}`;
    if (this.connections.get(key) === connection) this.connections.delete(key);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.pings);
    for (const connection of [...this.all.values()]) connection.fail({ cause: 'send', message: 'shutting down' });
    this.sockets?.close();
    const server = this.server;
    if (server?.listening) {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    }
  }

  private adopt(connection: WsConnection): void {
    this.all.set(connection.id, connection);
    this.connections.set(`${connection.address}|${connection.port}`, connection);
  }
}
