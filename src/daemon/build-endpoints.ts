import { type EndpointKind, unbounded } from '../access/caller.js';
import type { CtlConfig, Settings } from '../config/settings.js';
import type { Clock } from '../core/clock.js';
import type { Logger } from '../core/logger.js';
import type { Service } from '../core/service.js';
import { HttpServer } from '../http/server.js';
import { DatagramEndpoint } from '../management/endpoints/datagram.js';
import { FifoEndpoint } from '../management/endpoints/fifo.js';
import { type Authenticate, createMiHttpHandler } from '../management/endpoints/http.js';
import type { CallerFrom } from '../management/endpoints/protocol.js';
import { StreamEndpoint } from '../management/endpoints/stream.js';
import type { MiHandler } from '../management/mi/handler.js';
import { miOverDatagrams, miOverFifo } from '../management/mi/over-endpoints.js';
import {
  binrpcOverDatagrams,
  binrpcOverStreams,
  rpcOverDatagrams,
  rpcOverFifo,
  rpcOverHttp,
} from '../management/rpc/over-endpoints.js';
import type { RpcService } from '../management/rpc/service.js';

export interface EndpointEnvironment {
  readonly mi: MiHandler;
  readonly rpc: RpcService;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The ways requests come in by. */
export interface Endpoints {
  readonly http: HttpServer | undefined;
  readonly datagrams: readonly DatagramEndpoint[];
  /** All of them, in the order they are started. */
  readonly services: readonly Service[];
}

/** Makes the endpoints that the settings name, MI's and Kamailio's alike. Nothing is opened. */
export function buildEndpoints(settings: Settings, env: EndpointEnvironment): Endpoints {
  const { mi, rpc, clock, log } = env;
  const { fifo, datagram, ctl = [], jsonrpc } = settings.mi;
  const from =
    (endpoint: EndpointKind): CallerFrom =>
    (peer) =>
      unbounded(endpoint, peer);
  const http = settings.http === undefined ? undefined : new HttpServer({ ...settings.http, log });
  const services: Service[] = http === undefined ? [] : [http];
  if (fifo !== undefined) {
    const caller = () => unbounded('fifo');
    services.push(
      new FifoEndpoint({ config: fifo, protocol: miOverFifo(mi), what: 'MI FIFO', caller, clock, logger: log }),
    );
  }
  const protocol = miOverDatagrams(mi);
  const datagrams = datagram.map(
    (config) => new DatagramEndpoint({ config, protocol, callerFrom: from('datagram'), logger: log }),
  );
  services.push(...datagrams, ...ctl.map((config) => ctlEndpoint(config, from('ctl'), env)));
  const partition = jsonrpc?.partition;
  if (jsonrpc?.fifo !== undefined) {
    const caller = () => unbounded('jsonrpc-fifo');
    const protocol = rpcOverFifo(rpc, partition);
    services.push(
      new FifoEndpoint({ config: jsonrpc.fifo, protocol, what: 'JSON-RPC FIFO', caller, clock, logger: log }),
    );
  }
  if (jsonrpc?.datagram !== undefined) {
    const protocol = rpcOverDatagrams(rpc, partition);
    const callerFrom = from('jsonrpc-datagram');
    services.push(new DatagramEndpoint({ config: jsonrpc.datagram, protocol, callerFrom, logger: log }));
  }
  const anybody =
    (endpoint: EndpointKind): Authenticate =>
    (request) =>
      unbounded(endpoint, request.socket.remoteAddress);
  // The console's page runs its commands here, whether or not there is an endpoint for others.
  http?.mount('/console/mi', createMiHttpHandler(mi, anybody('http')), { ownPages: true });
  if (settings.mi.http !== undefined) {
    http?.mount(`/${settings.mi.http.root}`, createMiHttpHandler(mi, anybody('http')), { ownPages: true });
  }
  if (jsonrpc?.http !== undefined) {
    const handler = createMiHttpHandler(rpcOverHttp(rpc, partition), anybody('jsonrpc-http'));
    http?.mount(`/${jsonrpc.http.root}`, handler, { ownPages: true });
  }
  return { http, datagrams, services };
}

function ctlEndpoint(config: CtlConfig, callerFrom: CallerFrom, { rpc, clock, log }: EndpointEnvironment): Service {
  const { transport, address, port, unixMode, partition } = config;
  if (transport === 'unixs' || transport === 'tcp') {
    return new StreamEndpoint({ config, protocol: binrpcOverStreams(rpc, partition), callerFrom, clock, logger: log });
  }
  const host = address.includes(':') ? `[${address}]` : address;
  const socketName = transport === 'unixd' ? address : `udp:${host}:${port}`;
  const protocol = binrpcOverDatagrams(rpc, partition);
  return new DatagramEndpoint({ config: { socketName, unixMode }, protocol, callerFrom, logger: log });
}
