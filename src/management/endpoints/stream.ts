import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { CtlConfig } from '../../config/endpoint-settings.js';
import type { Clock } from '../../core/clock.js';
import { ConnectionShares } from '../../core/connection-shares.js';
import { messageOf, SwitchyardError } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import type { Service } from '../../core/service.js';
import type { CallerFrom, StreamProtocol } from './protocol.js';
import { CommandConnection, type ConnectionLimits } from './stream-connection.js';

/** Options of a stream endpoint. */
export interface StreamEndpointOptions extends ConnectionLimits {
  readonly config: Pick<CtlConfig, 'transport' | 'address' | 'port' | 'text' | 'unixMode'>;
  readonly protocol: StreamProtocol;
  readonly callerFrom: CallerFrom;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Maximum number of clients; beyond that the longest idle one is disconnected. Default 128. */
  readonly maxConnections?: number;
  /** Maximum number of clients of one address. Default half of that. */
  readonly maxPerSource?: number;
}

/** A protocol over a UNIX stream socket or TCP. */
export class StreamEndpoint implements Service {
  readonly name: string;
  private server: Server | undefined;
  private readonly connections = new Set<CommandConnection>();
  private readonly shares: ConnectionShares;

  constructor(private readonly options: StreamEndpointOptions) {
    const { maxConnections = 128, maxPerSource = Math.ceil(maxConnections / 2) } = options;
    this.name = `${options.protocol.what} ${options.config.text}`;
    this.shares = new ConnectionShares(maxConnections, maxPerSource);
  }

  /** The address it listens on, "127.0.0.1:2049" or a path; undefined when it does not listen. */
  get address(): string | undefined {
    const address = this.server?.address();
    if (address == null) return undefined;
    return typeof address === 'string' ? address : `${address.address}:${(address as AddressInfo).port}`;
  }

  /** Number of open connections. */
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
      throw new SwitchyardError('TRANSPORT_BIND', `${this.name}: ${messageOf(error)}`, { cause: error });
    }
    server.on('error', (error) => {
      this.options.logger.error({ socket: config.text, err: error }, `${this.name}: ${error.message}`);
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
    const { protocol, clock, callerFrom } = this.options;
    const { packetTimeout, stallTimeout, idleTimeout, firstTimeout } = this.options;
    const peer = socket.remoteAddress ?? '';
    const caller = callerFrom(peer);
    const turnAway = (reason: string, why: string): void => {
      protocol.refuse(reason, why);
      socket.on('error', () => {});
      socket.destroy();
    };
    if (caller === undefined) {
      turnAway('address', `a connection from ${peer} is refused: the address is not allowed`);
      return;
    }
    const connection: CommandConnection = new CommandConnection(
      socket,
      { protocol, clock, caller, packetTimeout, stallTimeout, idleTimeout, firstTimeout },
      () => {
        this.connections.delete(connection);
        this.shares.release(connection);
      },
    );
    if (this.shares.admit(connection)) this.connections.add(connection);
    else turnAway('busy', `a connection is refused: ${this.shares.size} are open already`);
  }
}

/** Removes a socket without a listener; another kind of file is left, and is an error. */
async function removeLeftover(path: string): Promise<void> {
  const left = lstatSync(path, { throwIfNoEntry: false });
  if (left === undefined) return;
  if (!left.isSocket()) throw new Error('the path exists and is not a socket');
  const code = await new Promise<string | undefined>((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(undefined);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });
  if (code === undefined) throw new Error('another process listens on it');
  unlinkSync(path);
}
