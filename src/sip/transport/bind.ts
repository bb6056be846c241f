import type { Server } from 'node:net';
import { SwitchyardError } from '../../core/errors.js';
import { UnfinishedBytes } from './unfinished.js';

/** Options of a listener for connections. */
export interface StreamOptions {
  readonly address: string;
  readonly port: number;
  readonly advertise?: { readonly host: string; readonly port: number } | undefined;
  readonly description: string;
  /** Milliseconds after which a connection without traffic is closed; default 120 s. */
  readonly idleMs?: number;
  /** Milliseconds in which a message must be complete, and a new peer must send its first one; default 10 s. */
  readonly messageMs?: number;
  /** Milliseconds for connecting to a peer, including TLS; default 5 s. */
  readonly connectMs?: number;
  /** Milliseconds in which a peer must complete its TLS handshake or WebSocket upgrade; default 5 s. */
  readonly handshakeMs?: number;
  /** Bytes that may wait for a slow peer; beyond that the connection is closed; default 4 MiB. */
  readonly maxQueuedBytes?: number;
  /** Maximum number of inbound and of outbound connections; default 10,000 each. */
  readonly maxConnections?: number;
  /** Bounds the bytes of incomplete messages over all sockets that share it; default: this socket alone. */
  readonly unfinished?: UnfinishedBytes;
}

/** The bounds of a listener and its connections: the `StreamOptions`, complete. */
export interface StreamLimits {
  readonly idleMs: number;
  readonly messageMs: number;
  readonly connectMs: number;
  readonly maxQueuedBytes: number;
  readonly maxConnections: number;
  readonly unfinished: UnfinishedBytes;
}

/** Fills in the defaults. */
export function streamLimits(options: StreamOptions): StreamLimits {
  return {
    idleMs: options.idleMs ?? 120_000,
    messageMs: options.messageMs ?? 10_000,
    connectMs: options.connectMs ?? 5_000,
    maxQueuedBytes: options.maxQueuedBytes ?? 4 * 1024 * 1024,
    maxConnections: options.maxConnections ?? 10_000,
    unfinished: options.unfinished ?? new UnfinishedBytes(),
  };
}

/** Explanations of the system errors of bind(2). */
const MEANINGS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the address is in use by another process',
  EACCES: 'ports below 1024 need root or the capability CAP_NET_BIND_SERVICE',
  EADDRNOTAVAIL: 'this machine has no such address',
  EAFNOSUPPORT: 'this machine has no such address family',
};

/** The error for a socket that could not be bound: one line that says which and why. */
export function bindError(description: string, error: Error): SwitchyardError {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const meaning = MEANINGS[code];
  const why = meaning === undefined ? error.message : `${meaning} (${code})`;
  return new SwitchyardError('TRANSPORT_BIND', `cannot bind ${description}: ${why}`, { cause: error });
}

/** Binds a server for connections and returns its port. Throws SwitchyardError TRANSPORT_BIND. */
export async function bindStream(server: Server, options: StreamOptions): Promise<number> {
  const { address, port, description } = options;
  await new Promise<void>((resolve, reject) => {
    const fail = (error: Error) => reject(bindError(description, error));
    server.once('error', fail);
    server.listen({ host: address, port, ipv6Only: address.indexOf(':') >= 0 }, () => {
      server.off('error', fail);
      resolve();
    });
  });
  // An error while accepting a connection (too many open files) must not end the process.
  server.on('error', () => {});
  return (server.address() as { port: number }).port;
}
