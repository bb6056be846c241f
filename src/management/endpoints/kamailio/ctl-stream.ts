import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { CtlConfig } from '../../../config/settings.js';
import type { Clock } from '../../../core/clock.js';
import { messageOf, SwitchyardError } from '../../../core/errors.js';
import type { Logger } from '../../../core/logger.js';
import type { Service } from '../../../core/service.js';
import type { RpcService } from '../../rpc/service.js';
import { type ConnectionLimits, CtlConnection } from './connection.js';

export interface CtlStreamOptions extends ConnectionLimits {
  readonly config: CtlConfig;
  readonly service: RpcService;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Clients at once; further ones are turned away. Default 128. */
  readonly maxConnections?: number;
}

/** BINRPC over a UNIX stream socket or TCP: what kamcmd connects to. */
export class CtlStream implements Service {
  readonly name: string;
  private server: Server | undefined;
  private readonly connections = new Set<CtlConnection>();

  constructor(private readonly options: CtlStreamOptions) {
    this.name = `ctl ${options.config.text}`;
  }

  /** "127.0.0.1:2049" or a path; undefined when it does not listen. */
  get address(): string | undefined {
    const address = this.server?.address();
    if (address == null) return undefined;
    return typeof address === 'string' ? address : `${address.address}:${(address as AddressInfo).port}`;
  }

  get connectionCount(): number {
    return this.connections.size;
  }

  async start(): Promise<void> {
    const { config } = this.options;
    const server = createServer({ pauseOnConnect: false, noDelay: true }, (socket) => this.accept(socket));
    try {
      if (config.transport === 'unixs') await removeLeftover(config.address);
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        const where =
          config.transport === 'unixs' ? { path: config.address } : { host: config.address, port: config.port };
        server.listen({ ...where, exclusive: true }, () => {
          server.off('error', reject);
          resolve();
        });
      });
      if (config.transport === 'unixs') chmodSync(config.address, config.unixMode);
    } catch (error) {
      server.close();
      throw new SwitchyardError('TRANSPORT_BIND', `ctl socket ${config.text}: ${messageOf(error)}`, { cause: error });
    }
    server.on('error', (error) => {
      this.options.logger.error({ socket: config.text, err: error }, `ctl socket: ${error.message}`);
    });
    this.server = server;
  }

  async stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    if (server === undefined) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const connection of this.connections) connection.destroy();
    await closed;
  }

  private accept(socket: Socket): void {
    const { service, clock, config, maxConnections = 128 } = this.options;
    const { packetTimeout, stallTimeout, idleTimeout } = this.options;
    if (this.connections.size >= maxConnections) {
      service.refuse('ctl', 'busy', `a connection is turned away: there are ${maxConnections}`);
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    const call = { partition: config.partition, door: 'ctl' as const };
    const connection: CtlConnection = new CtlConnection(
      socket,
      { service, clock, call, packetTimeout, stallTimeout, idleTimeout },
      () => this.connections.delete(connection),
    );
    this.connections.add(connection);
  }
}

/** A socket that nobody listens on any more is removed; anything else stays, and is an error. */
async function removeLeftover(path: string): Promise<void> {
  const left = lstatSync(path, { throwIfNoEntry: false });
  if (left === undefined) return;
  if (!left.isSocket()) throw new Error('something that is no socket stands there');
  const code = await new Promise<string | undefined>((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(undefined);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });
  if (code === undefined) throw new Error('another process listens there');
  unlinkSync(path);
}
