import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { WebSocketServer } from 'ws';
import { SwitchyardError } from '../../core/errors.js';
import { isOwnHost, isSameOrigin } from '../../core/web-origin.js';
import { type AcceptedSockets, acceptedInto } from './accepted.js';
import { bindStream, type StreamLimits, type StreamOptions, streamLimits } from './bind.js';
import { Certificates, type TlsOptions, tlsCauseOf } from './certificates.js';
import { ConnectionTable } from './connection-table.js';
import { FirstRequests, fieldsOf, type HttpExchange, type HttpGate, MAX_HTTP_BODY, plain } from './http-gate.js';
import type { StreamSocket } from './tcp.js';
import {
  type ConnectionCounts,
  type Flow,
  hostPort,
  later,
  plainAddress,
  type Receiver,
  type SipSocket,
  sentByOf,
  type TransportError,
} from './transport.js';
import { WsConnection } from './ws-connection.js';
import { ws } from './ws-package.js';

/** Maximum bytes of one message; a longer one closes the connection. */
export const MAX_WS_MESSAGE_BYTES = 1024 * 1024;
/** Maximum number of frames of one message: each is handled separately, however short it is. */
const MAX_FRAGMENTS = 1024;
/** Default of milliseconds between two pings to each peer. */
const PING_MS = 30_000;

/** The origins whose web pages may open a WebSocket: the same one as ours, any, or those listed (lower case). */
export type OriginRule = 'same' | 'any' | readonly string[];

/** Options of a WebSocket listener. */
export interface WsOptions extends StreamOptions {
  /** Default: the same origin. */
  readonly origins?: OriginRule | undefined;
  /** Milliseconds between two pings; a peer that did not answer by the next one is disconnected. Default 30 s. */
  readonly pingMs?: number;
}

/** SIP over WebSocket, plain or over TLS (RFC 7118). */
export class WsSocket implements SipSocket {
  readonly reliable = true;
  readonly family: 4 | 6;
  readonly address: string;
  port: number;
  sentBy = '';
  readonly description: string;
  readonly limits: StreamLimits;
  private readonly connections: ConnectionTable<WsConnection>;
  private readonly certificates: Certificates | undefined;
  /** Accepted sockets, including those not upgraded yet. */
  private readonly accepted: AcceptedSockets;
  private server: HttpServer | HttpsServer | undefined = undefined;
  private readonly package = ws();
  private sockets: WebSocketServer | undefined = undefined;
  private pings: NodeJS.Timeout | undefined = undefined;
  private closed = false;
  /** The socket whose port this one uses, and the connections that it has handed over. */
  private within: StreamSocket | undefined = undefined;
  /** Handles HTTP requests; undefined: handshakes are accepted, all else is answered 426. */
  gate: HttpGate | undefined = undefined;
  private readonly shared = new Set<Socket>();
  private readonly firstRequests = new FirstRequests();

  constructor(
    readonly transport: 'ws' | 'wss',
    private readonly options: WsOptions,
    readonly receiver: Receiver,
    tls: TlsOptions | undefined,
  ) {
    this.address = options.address;
    this.port = options.port;
    this.family = options.address.indexOf(':') >= 0 ? 6 : 4;
    this.description = options.description;
    this.limits = streamLimits(options);
    this.connections = new ConnectionTable(this.limits.maxConnections);
    this.accepted = acceptedInto(this.connections, this.limits);
    if (transport === 'wss') {
      if (tls === undefined) {
        throw new SwitchyardError('TRANSPORT_BIND', `cannot bind ${options.description}: "tls" names no certificate`);
      }
      this.certificates = new Certificates(tls);
    }
  }

  get counts(): ConnectionCounts {
    return this.connections.counts;
  }

  reloadCertificates(): () => void {
    const { certificates } = this;
    if (certificates === undefined) return () => {};
    const renew = certificates.reload();
    return () => {
      renew();
      if (this.within === undefined) (this.server as HttpsServer | undefined)?.setSecureContext(certificates.context);
    };
  }

  /**
   * Uses the port of a TCP or TLS socket instead of an own one; call it before both are opened. TLS is then handled by
   * that socket.
   */
  share(stream: StreamSocket): void {
    this.within = stream;
    stream.web = {
      take: (socket, data) => {
        const { server } = this;
        if (server === undefined || this.closed) {
          socket.on('error', () => {});
          socket.destroy();
          return;
        }
        this.shared.add(socket);
        socket.once('close', () => this.shared.delete(socket));
        // Returns the bytes already read to the stream, for the HTTP parser that takes the connection.
        socket.pause();
        socket.unshift(data);
        server.emit('connection', socket);
        process.nextTick(() => socket.resume());
      },
    };
  }

  /** Whether it uses the port of another socket. */
  get sharesPort(): boolean {
    return this.within !== undefined;
  }

  async open(): Promise<void> {
    const server = this.within === undefined ? this.listener() : createServer(this.bounds);
    this.server = server;
    if (this.within === undefined) this.accepted.watch(server);
    // Node enforces the deadlines of headers from the event "listening" on, which a server that is never bound does not
    // emit.
    else server.emit('listening');
    server.on('request', (request, response) => {
      if (!this.firstRequests.takes(request.socket)) return;
      const { gate } = this;
      if (gate !== undefined) {
        this.served(gate, request, response);
        return;
      }
      response.writeHead(426, { 'Content-Type': 'text/plain', Upgrade: 'websocket', Connection: 'close' });
      response.end('this is a SIP WebSocket\n');
    });
    this.sockets = new this.package.WebSocketServer({
      server,
      maxPayload: MAX_WS_MESSAGE_BYTES,
      maxFragments: MAX_FRAGMENTS,
      perMessageDeflate: false,
      clientTracking: false,
      autoPong: false,
      // A peer that does not offer the sub-protocol does not speak SIP (RFC 7118 section 4.1): its upgrade is refused
      // below.
      handleProtocols: (protocols) => [...protocols].find((each) => each.toLowerCase() === 'sip') ?? false,
      verifyClient: ({ req }, done) => {
        const { origin, host } = req.headers;
        if (this.gate !== undefined) this.handshake(this.gate, req, done);
        else if (!this.takesOrigin(origin, host)) done(false, 403, 'pages of this origin are not allowed');
        else if (offersSip(req)) done(true);
        else done(false, 400, 'this is a SIP WebSocket: the sub-protocol must be sip');
      },
    });
    this.sockets.on('error', () => {});
    this.sockets.on('connection', (socket, request) => {
      const address = plainAddress(request.socket.remoteAddress ?? '');
      if (this.closed || address === '') {
        socket.on('error', () => {});
        socket.terminate();
        return;
      }
      const port = request.socket.remotePort ?? 0;
      const connection = new WsConnection(this, socket, address, port, true, this.limits.messageMs, request.socket);
      this.connections.add(connection, connectionKey(address, port, undefined));
      request.socket.prependListener('data', (data: Buffer) => connection.arrived(data.length));
    });
    this.port = this.within === undefined ? await bindStream(server, this.options) : this.within.port;
    this.sentBy = sentByOf(this, this.options.advertise);
    this.pings = setInterval(() => {
      for (const connection of this.connections.list()) connection.probe();
    }, this.options.pingMs ?? PING_MS).unref();
  }

  /** Whether the origin may connect. Browsers send the origin of the page, other clients send none. */
  private takesOrigin(origin: string | undefined, host: string | undefined): boolean {
    const { origins = 'same', address, advertise } = this.options;
    if (origin === undefined || origins === 'any') return true;
    if (origins !== 'same') return origins.includes(origin.toLowerCase());
    const names = new Set(['localhost', address, advertise?.host ?? ''].map((each) => each.toLowerCase()));
    return isSameOrigin(origin, host, this.transport === 'wss') && isOwnHost(host ?? '', names);
  }

  send(
    text: string,
    address: string,
    port: number,
    onError: ((error: TransportError) => void) | undefined,
    flow?: Flow | undefined,
    serverName?: string | undefined,
  ): void {
    if (flow instanceof WsConnection) {
      // A WebSocket client accepts no connections: without the one it opened, it is unreachable.
      flow.write(text, onError);
      return;
    }
    const key = connectionKey(address, port, serverName);
    const known = this.connections.named(key);
    if (known !== undefined) {
      known.write(text, onError);
      return;
    }
    if (this.closed || this.connections.full) {
      if (!this.closed) this.connections.refused++;
      later(onError, { cause: 'send', message: this.closed ? 'the socket is closed' : 'too many connections' });
      return;
    }
    let connection: WsConnection;
    try {
      const socket = new this.package.WebSocket(`${this.transport}://${hostPort(address, port)}/`, 'sip', {
        perMessageDeflate: false,
        maxPayload: MAX_WS_MESSAGE_BYTES,
        maxFragments: MAX_FRAGMENTS,
        handshakeTimeout: this.limits.connectMs,
        autoPong: false,
        // The type declarations have an older form of checkServerIdentity.
        ...((this.certificates?.client(serverName, address, port) ?? {}) as object),
      });
      connection = new WsConnection(this, socket, address, port, false, this.limits.messageMs);
    } catch (error) {
      later(onError, { cause: 'send', message: (error as Error).message });
      return;
    }
    this.connections.add(connection, key);
    connection.write(text, onError);
  }

  connectionTo(
    address: string,
    port: number,
    flow: Flow | undefined,
    serverName: string | undefined,
  ): Flow | undefined {
    return flow instanceof WsConnection ? flow : this.connections.named(connectionKey(address, port, serverName));
  }

  findFlow(id: string): { flow: Flow; address: string; port: number } | undefined {
    return this.connections.flow(id);
  }

  /** @internal A connection is closed. */
  forget(connection: WsConnection): void {
    this.connections.remove(connection);
    if (connection.inbound && !this.closed) this.gate?.closed(this, connection.address, connection.port, connection);
  }

  /** An HTTP request that is not a handshake. */
  private served(gate: HttpGate, request: IncomingMessage, response: ServerResponse): void {
    let body = '';
    const reply: HttpExchange['reply'] = (status, reason, type, text, lines = '') => {
      if (response.headersSent) return false;
      const length = Buffer.byteLength(text, 'latin1');
      const headers = {
        ...fieldsOf(lines),
        ...(type === '' ? {} : { 'Content-Type': plain(type) }),
        'Content-Length': length,
        Connection: 'close',
      };
      response.writeHead(status, plain(reason), headers);
      response.end(text, 'latin1');
      return true;
    };
    request.setEncoding('latin1');
    request.on('data', (part: string) => {
      body += part;
      if (body.length > MAX_HTTP_BODY) reply(413, 'Content Too Large', '', '');
      if (response.headersSent) request.destroy();
    });
    request.on('end', () => {
      if (response.headersSent) return;
      const exchange = { ...this.exchangeOf(request, body), reply, upgrade: () => false };
      void afterwards(gate.request(exchange), () => reply(404, 'Not Found', '', ''));
    });
  }

  /** A handshake, which a script may accept. */
  private handshake(gate: HttpGate, request: IncomingMessage, done: HandshakeDone): void {
    let answered = false;
    const once = (answer: () => void): boolean => {
      if (answered) return false;
      answered = true;
      answer();
      return true;
    };
    const offered = offersSip(request);
    const ended = gate.request({
      ...this.exchangeOf(request, ''),
      reply: (status, reason, _type, _text, lines = '') =>
        once(() => done(false, status, plain(reason), singleFields(lines))),
      upgrade: () => offered && once(() => done(true)),
    });
    void afterwards(ended, () => once(() => done(false, offered ? 404 : 400)));
  }

  private exchangeOf(request: IncomingMessage, body: string) {
    const { rawHeaders, method = '', url = '', socket } = request;
    let head = '';
    for (let i = 0; i + 1 < rawHeaders.length; i += 2) head += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
    const from: SipSocket = this.within ?? this;
    return {
      method,
      url,
      head,
      body,
      socket: from,
      address: plainAddress(socket.remoteAddress ?? ''),
      port: socket.remotePort ?? 0,
    };
  }

  /** @internal */
  causeOf(error: Error): TransportError['cause'] {
    return tlsCauseOf(error);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.pings);
    const { server } = this;
    const down = server?.listening
      ? new Promise<void>((resolve) => server.close(() => resolve()))
      : Promise.resolve(undefined);
    // Stops the enforcement of deadlines; the server was never bound.
    if (this.within !== undefined) server?.close(() => {});
    for (const connection of this.connections.list()) connection.end();
    this.sockets?.close();
    const open = () => [...this.accepted.list(), ...this.shared];
    for (const socket of open()) socket.destroySoon();
    // Peers that do not read what was written are disconnected by force.
    const force = setTimeout(() => {
      for (const socket of open()) socket.destroy();
    }, 300);
    await down;
    clearTimeout(force);
  }

  // An upgrade is one short request, so a peer that sends it slowly is disconnected.
  private get bounds() {
    const { handshakeMs = 5000 } = this.options;
    return {
      headersTimeout: handshakeMs,
      requestTimeout: handshakeMs,
      connectionsCheckingInterval: Math.min(1000, handshakeMs),
      keepAliveTimeout: 1000,
      maxHeaderSize: 16 * 1024,
    };
  }

  private listener(): HttpServer | HttpsServer {
    const { bounds, certificates } = this;
    if (certificates === undefined) return createServer(bounds);
    const server = createSecureServer({
      ...bounds,
      ...certificates.server,
      handshakeTimeout: bounds.headersTimeout,
    });
    certificates.guard(server, bounds.headersTimeout);
    return server;
  }
}

/** Accepts or refuses a handshake. */
type HandshakeDone = (taken: boolean, status?: number, reason?: string, headers?: Record<string, string>) => void;

/** Header lines as fields, of which one name has one value. */
const singleFields = (lines: string): Record<string, string> =>
  Object.fromEntries(Object.entries(fieldsOf(lines)).map(([name, values]) => [name, values.join(', ')]));

/** Calls `act` when the gate has finished. */
async function afterwards(ended: unknown, act: () => void): Promise<void> {
  await ended;
  act();
}

function connectionKey(address: string, port: number, serverName: string | undefined): string {
  return serverName === undefined ? `${address}|${port}` : `${address}|${port}|${serverName.toLowerCase()}`;
}

/** Whether a handshake offers the sub-protocol of SIP (RFC 7118 section 4.1). */
function offersSip({ headers }: IncomingMessage): boolean {
  return /(^|,)[ \t\r\n]*sip[ \t\r\n]*(,|$)/i.test(String(headers['sec-websocket-protocol'] ?? ''));
}
