import type { Server } from 'node:net';
import { SwitchyardError } from '../../core/errors.js';
import { UnfinishedBytes } from './unfinished.js';

/** What a listener for connections is made from. */
export interface StreamOptions {
  readonly address: string;
  readonly port: number;
  readonly advertise?: { readonly host: string; readonly port: number } | undefined;
  readonly description: string;
  /** Milliseconds a connection may be without traffic before it is closed; default 120 s. */
  readonly idleMs?: number;
  /** Milliseconds a message may take from its first byte to its last, and a peer until its first; default 10 s. */
  readonly messageMs?: number;
  /** Milliseconds a connection attempt of ours may take, TLS included; default 5 s. */
  readonly connectMs?: number;
  /** Milliseconds a peer that connected may take for its TLS handshake or WebSocket upgrade; default 5 s. */
  readonly handshakeMs?: number;
  /** Bytes that may wait for a slow peer before the connection is closed; default 4 MiB. */
  readonly maxQueuedBytes?: number;
  /** Connections at most, inbound and outbound counted apart; default 10,000. */
  readonly maxConnections?: number;
  /** Bounds the messages peers have begun and not finished, over all sockets that share it; default: one of its own. */
  readonly unfinished?: UnfinishedBytes;
}

/** Bounds of a listener and its connections; as in `StreamOptions`, all of them given. */
export interface StreamLimits {
  readonly idleMs: number;
  readonly messageMs: number;
  readonly connectMs: number;
  readonly maxQueuedBytes: number;
  readonly maxConnections: number;
  readonly unfinished: UnfinishedBytes;
}

/** The bounds that options set, the defaults for those they leave out. */
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

/** Explanation of a system error when binding fails. */
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
  // An error while accepting one connection (too many open files) must not end the process.
  server.on('error', () => {});
  return (server.address() as { port: number }).port;
}
