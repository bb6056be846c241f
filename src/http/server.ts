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

/** Answers one request. What it throws or rejects with is logged and answered with 500. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

/** How a path is served. */
export interface MountOptions {
  /** Methods that are answered; others get 405. Default: the handler decides. */
  readonly methods?: readonly string[];
  /** Whether everything below the path goes to the handler too. Default false. */
  readonly subpaths?: boolean;
  /** Whether requests that a web page of another origin may have caused are refused. Default false. */
  readonly ownPages?: boolean;
}

/** What the HTTP listener is made with. */
export interface HttpServerOptions {
  /** Host names we are reached by, besides addresses, "localhost" and the machine's own name. */
  readonly hosts?: readonly string[];
  /** Certificate and private key, PEM; undefined: plain HTTP. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  /** IP literal or host name to listen on. */
  readonly host: string;
  /** 0 for a free one. */
  readonly port: number;
  readonly log: Logger;
  /** Connections at a time; beyond them the one that waited for its client longest makes room. Default 256. */
  readonly maxConnections?: number;
  /** Those of one address. Default half of them. */
  readonly maxPerSource?: number;
  /** Milliseconds a request's head and body may take. Default 10000. */
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
  /** By the client's address and port: a request on TLS comes with a socket of its own. */
  private readonly connections = new Map<string, HttpConnection>();
  private readonly guard: PageGuard;
  private tls: HttpServerOptions['tls'];

  constructor(private readonly options: HttpServerOptions) {
    const { host, hosts = [], maxConnections = 256, maxPerSource = Math.ceil(maxConnections / 2) } = options;
    this.shares = new ConnectionShares(maxConnections, maxPerSource);
    this.tls = options.tls;
    this.guard = new PageGuard([host, ...hosts], options.tls !== undefined);
  }

  /** Serves a path ("/metrics"; a trailing "/" means nothing). A later mount of the same path replaces it. */
  mount(path: string, handler: HttpHandler, options: MountOptions = {}): void {
    const { methods, subpaths = false, ownPages = false } = options;
    this.mounts.set(normalise(path), { handler, methods, subpaths, ownPages });
  }

  /** Why a request is refused that anybody may send, but no page of a foreign name (DNS rebinding); undefined when it is taken. */
  hostRefusal({ headers }: IncomingMessage): PageRefusal | undefined {
    return this.guard.hostRefusal(headers);
  }

  /** Where it listens; undefined before `start`. */
  get address(): { readonly host: string; readonly port: number } | undefined {
    const address = this.server?.address() as AddressInfo | string | null | undefined;
    return typeof address === 'object' && address !== null ? { host: address.address, port: address.port } : undefined;
  }

  /** Shows another certificate to connections made from now on. */
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

  /** Takes no more connections, ends idle ones, and gives requests under way `graceMs` (default 1000) to finish. */
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
    this.connections.get(clientOf(request.socket))?.began(request, response);
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
      refuse(request, response, 413, `a body may have ${MAX_BODY} bytes`);
      return;
    }
    try {
      void Promise.resolve(mount.handler(request, response)).catch((error) => this.broken(request, response, error));
    } catch (error) {
      this.broken(request, response, error);
    }
  }

  /** The mount of the path itself, else the nearest one above it that takes what is below. */
  private find(path: string): Mount | undefined {
    const exact = this.mounts.get(path);
    if (exact !== undefined) return exact;
    // The mounts are few; a path of a client may have thousands of parts.
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

/**
 * The body of a request. Resolves with undefined when it is longer than `limit` bytes; rejects when the client goes away.
 */
export function readBody(request: IncomingMessage, limit = MAX_BODY): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= limit) chunks.push(chunk);
      else {
        chunks.length = 0;
        request.pause();
        resolve(undefined);
      }
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', reject);
    request.on('close', () => reject(new Error('the client went away')));
  });
}

/** Answers with a text and its type. */
export function sendText(response: ServerResponse, status: number, type: string, text: string): void {
  const body = Buffer.from(text, 'utf8');
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': body.length, 'Cache-Control': 'no-store' });
  response.end(body);
}

/** Milliseconds a client may take without reading any of a long answer. */
const STALL_TIMEOUT = 30_000;
/** Characters collected before they are handed to the client. */
const WRITE_AT = 16 * 1024;

/**
 * Answers 200 with a long text piece by piece, as the client takes it; the event loop runs other work after each
 * piece, which may be empty. Ends early when the client goes away or reads nothing for half a minute.
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
