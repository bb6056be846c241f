import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { ConnectionShares } from '../core/connection-shares.js';
import { messageOf, SwitchyardError } from '../core/errors.js';
import { nextIteration } from '../core/event-loop.js';
import type { Logger } from '../core/logger.js';
import type { Service } from '../core/service.js';
import { HttpConnection } from './http-connection.js';
import { PageGuard, type PageRefusal } from './page-guard.js';

/** Answers one request. When it throws or rejects, the error is logged and the answer is 500. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** How a path is served. */
export interface MountOptions {
  /** Methods that the path supports; others get 405. Default: the handler decides. */
  readonly methods?: readonly string[];
  /** Whether the handler also serves all paths below. Default false. */
  readonly subpaths?: boolean;
  /** Whether to refuse requests that a web page of another origin may have caused. Default false. */
  readonly ownPages?: boolean;
}

/** Options of the HTTP listener. */
export interface HttpServerOptions {
  /** Host names of this server, besides addresses, "localhost" and the machine's own name. */
  readonly hosts?: readonly string[];
  /** Certificate and private key, PEM; undefined: plain HTTP. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  /** IP literal or host name to listen on. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly log: Logger;
  /** Connections at a time; beyond that, the one that has been idle longest is closed. Default 256. */
  readonly maxConnections?: number;
  /** Connections from one address. Default half of maxConnections. */
  readonly maxPerSource?: number;
  /** Milliseconds in which a request's header and body must be complete. Default 10000. */
  readonly requestTimeout?: number;
}

/** Longest body that is accepted, in bytes. */
export const MAX_BODY = 1024 * 1024;

const MAX_HEADERS = 16 * 1024;

interface Mount {
  readonly handler: HttpHandler;
  readonly methods: readonly string[] | undefined;
  readonly subpaths: boolean;
  readonly ownPages: boolean;
}

/** The one HTTP listener that MI, metrics, health and the console share. */
export class HttpServer implements Service {
  readonly name = 'http';
  private readonly mounts = new Map<string, Mount>();
  private server: Server | SecureServer | undefined;
  private readonly shares: ConnectionShares;
  /** By the client's address and port, since a request over TLS has another socket object than its connection. */
  private readonly connections = new Map<string, HttpConnection>();
  private readonly guard: PageGuard;
  private tls: HttpServerOptions['tls'];

  constructor(private readonly options: HttpServerOptions) {
    const { host, hosts = [], maxConnections = 256, maxPerSource = Math.ceil(maxConnections / 2) } = options;
    this.shares = new ConnectionShares(maxConnections, maxPerSource);
    this.tls = options.tls;
    this.guard = new PageGuard([host, ...hosts], options.tls !== undefined);
  }

  /**
   * Serves a path such as "/metrics"; a trailing "/" is ignored. A later mount of the same path replaces the earlier
   * one.
   */
  mount(path: string, handler: HttpHandler, options: MountOptions = {}): void {
    const { methods, subpaths = false, ownPages = false } = options;
    this.mounts.set(normalise(path), { handler, methods, subpaths, ownPages });
  }

  /**
   * Why a request is refused because of its Host header (DNS rebinding); undefined when it is accepted. For paths that
   * need no other check.
   */
  hostRefusal({ headers }: IncomingMessage): PageRefusal | undefined {
    return this.guard.hostRefusal(headers);
  }

  /** The address it listens on; undefined before `start`. */
  get address(): { readonly host: string; readonly port: number } | undefined {
    const address = this.server?.address() as AddressInfo | string | null | undefined;
    return typeof address === 'object' && address !== null ? { host: address.address, port: address.port } : undefined;
  }

  /** Uses this certificate for connections from now on. */
  useCertificate(tls: NonNullable<HttpServerOptions['tls']>): void {
    this.tls = tls;
    if (this.server !== undefined && 'setSecureContext' in this.server) this.server.setSecureContext(tls);
  }

  /** Resolves when it listens. Throws SwitchyardError TRANSPORT_BIND. */
  async start(): Promise<void> {
    const { host, port, log, requestTimeout = 10_000 } = this.options;
    const { tls } = this;
    const options = {
      headersTimeout: requestTimeout,
      requestTimeout,
      keepAliveTimeout: 5000,
      maxHeaderSize: MAX_HEADERS,
      connectionsCheckingInterval: Math.min(5000, requestTimeout),
    };
    const dispatch = (request: IncomingMessage, response: ServerResponse) => this.dispatch(request, response);
    const server =
      tls === undefined
        ? createServer(options, dispatch)
        : createSecureServer({ ...options, ...tls, minVersion: 'TLSv1.2', handshakeTimeout: requestTimeout }, dispatch);
    server.on('connection', (socket: Socket) => this.admit(socket));
    server.maxRequestsPerSocket = 10_000;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => {
        const message = `HTTP cannot listen on ${host}:${port}: ${messageOf(error)}`;
        reject(new SwitchyardError('TRANSPORT_BIND', message, { cause: error }));
      });
      server.listen(port, host, resolve);
    });
    server.removeAllListeners('error');
    server.on('error', (error) => log.error({ cause: messageOf(error) }, 'the HTTP listener failed'));
    this.server = server;
    log.info({ host, port: this.address?.port }, 'the HTTP listener is open');
  }

  /** Accepts no more connections, closes idle ones, and closes the others after `graceMs` (default 1000). */
  async stop(graceMs = 1000): Promise<void> {
    const server = this.server;
    this.server = undefined;
    if (server === undefined) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    const force = setTimeout(() => server.closeAllConnections(), graceMs);
    await closed;
    clearTimeout(force);
  }

  private admit(socket: Socket): void {
    const connection = new HttpConnection(socket, () => performance.now());
    if (!this.shares.admit(connection)) {
      socket.destroy();
      return;
    }
    const key = clientOf(socket);
    this.connections.set(key, connection);
    socket.once('close', () => {
      this.shares.release(connection);
      if (this.connections.get(key) === connection) this.connections.delete(key);
    });
  }

  private dispatch(request: IncomingMessage, response: ServerResponse): void {
    if (this.connections.get(clientOf(request.socket))?.began(request, response) === false) return;
    response.setHeader('X-Content-Type-Options', 'nosniff');
    const mount = this.find(pathOf(request));
    if (mount === undefined) {
      refuse(request, response, 404, 'not found');
      return;
    }
    const refusal = mount.ownPages ? this.guard.refusal(request.headers) : undefined;
    if (refusal !== undefined) {
      refuse(request, response, refusal.status, refusal.reason);
      return;
    }
    const method = request.method ?? '';
    if (mount.methods !== undefined && !mount.methods.includes(method)) {
      response.setHeader('Allow', mount.methods.join(', '));
      refuse(request, response, 405, `use ${mount.methods.join(' or ')}`);
      return;
    }
    if (Number(request.headers['content-length'] ?? 0) > MAX_BODY) {
      response.setHeader('Connection', 'close');
      refuse(request, response, 413, `the body is larger than ${MAX_BODY} bytes`);
      return;
    }
    try {
      void Promise.resolve(mount.handler(request, response)).catch((error) => this.broken(request, response, error));
    } catch (error) {
      this.broken(request, response, error);
    }
  }

  /** The mount of the path, else the nearest mount above it that serves subpaths. */
  private find(path: string): Mount | undefined {
    const exact = this.mounts.get(path);
    if (exact !== undefined) return exact;
    // Loops over the mounts, which are few; the path of a request may have thousands of parts.
    let nearest: Mount | undefined;
    let length = -1;
    for (const [above, mount] of this.mounts) {
      if (!mount.subpaths || above.length <= length) continue;
      if (above !== '/' && !path.startsWith(`${above}/`)) continue;
      nearest = mount;
      length = above.length;
    }
    return nearest;
  }

  private broken(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    const fields = { path: pathOf(request), cause: messageOf(error) };
    this.options.log.error(fields, 'an HTTP request could not be answered');
    if (response.headersSent) response.destroy();
    else refuse(request, response, 500, 'internal error');
  }
}

/** Maximum number of pieces of a body: one of a byte each costs hundreds of times its length. */
export const MAX_PIECES = 4096;

/**
 * Reads the body of a request. Resolves with undefined when it is longer than `limit` bytes or in too many pieces;
 * rejects when the client closes the connection. `rest`: whether the rest of a body that is too long is left unread, or
 * discarded for a client that reads no answer before it has sent everything.
 */
export function readBody(
  request: IncomingMessage,
  limit = MAX_BODY,
  rest: 'unread' | 'discarded' = 'unread',
): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= limit && chunks.length < MAX_PIECES) chunks.push(chunk);
      else {
        chunks.length = 0;
        if (rest === 'unread' || length <= limit) request.pause();
        resolve(undefined);
      }
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', reject);
    request.on('close', () => reject(new Error('the client closed the connection')));
  });
}

/** Answers with a text of this content type. */
export function sendText(response: ServerResponse, status: number, type: string, text: string): void {
  const body = Buffer.from(text, 'utf8');
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': body.length, 'Cache-Control': 'no-store' });
  response.end(body);
}

/** Milliseconds a client may take without reading any of a long answer. */
const STALL_TIMEOUT = 30_000;
/** Characters collected before each write. */
const WRITE_AT = 16 * 1024;

/**
 * Answers 200 with a long text in pieces, as fast as the client reads. Other work runs on the event loop after each
 * piece, also after an empty one. Stops when the client closes the connection or reads nothing for half a minute.
 */
export async function sendPieces(response: ServerResponse, type: string, pieces: Iterable<string>): Promise<void> {
  response.writeHead(200, { 'Content-Type': type, 'Cache-Control': 'no-store' });
  response.setTimeout(STALL_TIMEOUT, () => response.destroy());
  let text = '';
  for (const piece of response.req.method === 'HEAD' ? [] : pieces) {
    text += piece;
    if (text.length >= WRITE_AT) {
      if (!response.write(text)) await drained(response);
      text = '';
    }
    await nextIteration();
    if (response.destroyed) return;
  }
  response.end(text);
}

function clientOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      response.off('drain', go).off('close', go);
      resolve();
    };
    response.on('drain', go).on('close', go);
  });
}

function refuse(request: IncomingMessage, response: ServerResponse, status: number, reason: string): void {
  sendText(response, status, 'application/json', `${JSON.stringify({ error: reason })}\n`);
  request.resume();
}

function pathOf(request: IncomingMessage): string {
  const target = request.url ?? '/';
  const end = target.search(/[?#]/);
  return normalise(end < 0 ? target : target.slice(0, end));
}

function normalise(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
