import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createSecureContext } from 'node:tls';
import type { Access } from '../access/access.js';
import type { AuditTrail } from '../access/audit.js';
import type { Caller, EndpointKind } from '../access/caller.js';
import { HttpAccess, isRejection, type Rejection } from '../access/http-access.js';
import type { Settings } from '../config/settings.js';
import { messageOf, SwitchyardError, unreadableReason } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import {
  auditHandler,
  type HealthSource,
  healthHandler,
  liveHandler,
  metricsHandler,
  readyHandler,
} from '../http/handlers.js';
import { type HttpHandler, HttpServer, type MountOptions, sendText } from '../http/server.js';
import { sessionHandler } from '../http/session.js';
import { createMiHttpHandler } from '../management/endpoints/http.js';
import type { MiHandler } from '../management/mi/handler.js';
import { rpcOverHttp } from '../management/rpc/over-endpoints.js';
import type { RpcService } from '../management/rpc/service.js';
import type { Metrics } from '../stats/metrics.js';

/** What the HTTP listener needs. */
export interface HttpEnvironment {
  readonly mi: MiHandler;
  readonly rpc: RpcService;
  readonly access: Access;
  readonly audit: AuditTrail;
  readonly health: HealthSource;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** The HTTP listener, and a function that finds the caller of a request. */
export interface HttpParts {
  readonly server: HttpServer;
  /** undefined: the request is not authorized. */
  readonly identify: (request: IncomingMessage) => Promise<Caller | undefined>;
  /** Reads the certificate again; the returned function uses it. Throws SwitchyardError TRANSPORT_BIND. */
  readonly renewCertificate: () => () => void;
}

/** A path of the HTTP listener. */
interface Route extends MountOptions {
  readonly path: string;
  readonly handler: HttpHandler;
}

const READ: readonly string[] = ['GET', 'HEAD'];

/**
 * Builds the HTTP listener with all its paths; undefined when the settings have none. Throws SwitchyardError for a bad
 * certificate.
 */
export function buildHttp(settings: Settings, env: HttpEnvironment): HttpParts | undefined {
  const { http, mi: config } = settings;
  if (http === undefined) return undefined;
  const { mi, rpc, access, audit, health, metrics, log } = env;
  const { tls, ...address } = http;
  const server = new HttpServer({ ...address, log, tls: tls && certificate(tls) });
  const httpAccess = new HttpAccess(access, audit, tls !== undefined);
  const named = (endpoint: EndpointKind, as?: string) => async (request: IncomingMessage, response: ServerResponse) => {
    const peer = request.socket.remoteAddress ?? '';
    const caller = await httpAccess.caller({ headers: request.headers, peer }, endpoint, as);
    if (!isRejection(caller)) return caller;
    reject(response, caller);
    return undefined;
  };
  const user = named('http');
  const forUsers =
    (
      handle: (caller: Caller, request: IncomingMessage, response: ServerResponse) => void | Promise<void>,
    ): HttpHandler =>
    async (request, response) => {
      const caller = await user(request, response);
      if (caller !== undefined) await handle(caller, request, response);
    };
  const showMetrics = metricsHandler(metrics);
  const userMetrics = forUsers(showMetrics);
  /** All paths. Those for our own page refuse requests that pages of other origins cause. */
  const routes: readonly Route[] = [
    { path: '/livez', methods: READ, handler: liveHandler() },
    { path: '/readyz', methods: READ, handler: readyHandler(health) },
    {
      path: '/health',
      methods: READ,
      handler: async (request, response) => {
        const peer = request.socket.remoteAddress ?? '';
        const caller = await httpAccess.caller({ headers: request.headers, peer }, 'http');
        const isShown =
          !isRejection(caller) && (caller.user !== undefined || server.hostRefusal(request) === undefined);
        healthHandler(health, isShown ? caller : undefined)(request, response);
      },
    },
    {
      path: '/metrics',
      methods: READ,
      handler: (request, response) => {
        const foreign = server.hostRefusal(request);
        if (foreign === undefined && http.openMetrics) return showMetrics(undefined, request, response);
        // Credentials count only if they are checked: any page may send some.
        if (foreign === undefined || access.isOn) return userMetrics(request, response);
        return sendText(response, foreign.status, 'application/json', `${JSON.stringify({ error: foreign.reason })}\n`);
      },
    },
    ...(config.http === undefined
      ? []
      : [{ path: config.http.root, ownPages: true, handler: createMiHttpHandler(mi, named('http', config.http.as)) }]),
    ...(config.jsonrpc ?? []).flatMap(({ http: kamailio, partition, as }) => {
      if (kamailio === undefined) return [];
      const handler = createMiHttpHandler(rpcOverHttp(rpc, partition), named('jsonrpc-http', as));
      return [{ path: kamailio.root, ownPages: true, handler }];
    }),
    // The console's page uses this path for commands, even if there is no public MI endpoint.
    { path: '/console/mi', ownPages: true, handler: createMiHttpHandler(mi, user) },
    { path: '/api/session', ownPages: true, handler: sessionHandler(httpAccess) },
    { path: '/api/audit', methods: READ, ownPages: true, handler: forUsers(auditHandler(audit)) },
  ];
  for (const { path, handler, ...options } of routes) {
    server.mount(path.startsWith('/') ? path : `/${path}`, handler, options);
  }
  return {
    server,
    async identify(request) {
      const peer = request.socket.remoteAddress ?? '';
      const caller = await httpAccess.caller({ headers: request.headers, peer }, 'http');
      return isRejection(caller) ? undefined : caller;
    },
    renewCertificate() {
      if (tls === undefined) return () => {};
      const renewed = certificate(tls);
      return () => server.useCertificate(renewed);
    },
  };
}

function reject(response: ServerResponse, { status, headers }: Rejection): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  const error = status === 401 ? 'name and secret are needed' : 'too many failed logins';
  sendText(response, status, 'application/json', `${JSON.stringify({ error })}\n`);
}

function certificate({ cert, key }: { readonly cert: string; readonly key: string }): { cert: Buffer; key: Buffer } {
  try {
    const files = { cert: contentOf(cert), key: contentOf(key) };
    // A key that does not match the certificate is noticed here, not at the first connection.
    createSecureContext(files);
    return files;
  } catch (error) {
    throw new SwitchyardError('TRANSPORT_BIND', `the certificate of "http" cannot be used: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Error(`cannot read ${file}: ${unreadableReason(error)}`, { cause: error });
  }
}
