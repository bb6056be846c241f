import type { Access } from '../access/access.js';
import type { Caller } from '../access/caller.js';
import type { CtlConfig, JsonRpcConfig } from '../config/endpoint-settings.js';
import type { Settings } from '../config/settings.js';
import type { Clock } from '../core/clock.js';
import type { Logger } from '../core/logger.js';
import type { Service } from '../core/service.js';
import { bracketed } from '../core/uri.js';
import { DatagramEndpoint } from '../management/endpoints/datagram.js';
import { FifoEndpoint } from '../management/endpoints/fifo.js';
import { StreamEndpoint } from '../management/endpoints/stream.js';
import type { MiHandler } from '../management/mi/handler.js';
import { miOverDatagrams, miOverFifo } from '../management/mi/over-endpoints.js';
import {
  binrpcOverDatagrams,
  binrpcOverStreams,
  rpcOverDatagrams,
  rpcOverFifo,
} from '../management/rpc/over-endpoints.js';
import type { RpcService } from '../management/rpc/service.js';
import { callersOf } from './callers.js';
import { OptionalService } from './optional-service.js';

/** What the management endpoints need. */
export interface EndpointEnvironment {
  readonly mi: MiHandler;
  readonly rpc: RpcService;
  readonly access: Access;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The management endpoints, except HTTP and NATS. */
export interface Endpoints {
  readonly datagrams: readonly DatagramEndpoint[];
  /** All of them in the order of their start. */
  readonly services: readonly Service[];
}

/** Creates the endpoints in the settings, for MI and for Kamailio's RPC. Nothing is opened. */
export function buildEndpoints({ mi: config }: Settings, env: EndpointEnvironment): Endpoints {
  const { mi, access, clock, log } = env;
  const { fifo, datagram, ctl = [], jsonrpc = [] } = config;
  const fifos = fifo.map((config) => {
    const caller = callersOf(access, 'fifo', config);
    return new FifoEndpoint({
      config,
      protocol: miOverFifo(mi),
      what: 'MI FIFO',
      caller: () => caller('') as Caller,
      clock,
      logger: log,
    });
  });
  const protocol = miOverDatagrams(mi);
  const datagrams = datagram.map((config) => {
    return new DatagramEndpoint({ config, protocol, callerFrom: callersOf(access, 'datagram', config), logger: log });
  });
  const sockets = ctl.map((each) => {
    const endpoint = ctlEndpoint(each, env);
    return each.optional ? new OptionalService(endpoint, each.address, log) : endpoint;
  });
  const services = [...fifos, ...datagrams, ...sockets, ...jsonrpc.flatMap((each) => jsonRpcEndpoints(each, env))];
  return { datagrams, services };
}

function jsonRpcEndpoints(config: JsonRpcConfig, { rpc, access, clock, log }: EndpointEnvironment): Service[] {
  const { fifo, datagram, partition, as, optional } = config;
  const services: Service[] = [];
  const add = (path: string, endpoint: Service): void => {
    services.push(optional ? new OptionalService(endpoint, path, log) : endpoint);
  };
  if (fifo !== undefined) {
    const caller = callersOf(access, 'jsonrpc-fifo', { as });
    add(
      fifo.fifoName,
      new FifoEndpoint({
        config: fifo,
        protocol: rpcOverFifo(rpc, partition),
        what: 'JSON-RPC FIFO',
        caller: () => caller('') as Caller,
        clock,
        logger: log,
      }),
    );
  }
  if (datagram !== undefined) {
    const callerFrom = callersOf(access, 'jsonrpc-datagram', config);
    const protocol = rpcOverDatagrams(rpc, partition);
    add(datagram.socketName, new DatagramEndpoint({ config: datagram, protocol, callerFrom, logger: log }));
  }
  return services;
}

function ctlEndpoint(config: CtlConfig, { rpc, access, clock, log }: EndpointEnvironment): Service {
  const { transport, address, port, unixMode, partition } = config;
  // A UNIX socket has no addresses to allow.
  const callerFrom = callersOf(access, 'ctl', port === 0 ? { as: config.as } : config);
  if (transport === 'unixs' || transport === 'tcp') {
    return new StreamEndpoint({ config, protocol: binrpcOverStreams(rpc, partition), callerFrom, clock, logger: log });
  }
  const socketName = transport === 'unixd' ? address : `udp:${bracketed(address)}:${port}`;
  const protocol = binrpcOverDatagrams(rpc, partition);
  return new DatagramEndpoint({ config: { socketName, unixMode }, protocol, callerFrom, logger: log });
}
