import { getHeapStatistics } from 'node:v8';
import type { Settings, SocketDescription, TlsConfig } from '../config/settings.js';
import { protocolOf } from '../core/tls-peers.js';
import type { RateLimit } from '../sip/rate-limit.js';
import type { TransactionConfig } from '../sip/transaction/config.js';
import type { StreamOptions } from '../sip/transport/bind.js';
import { hostPort } from '../sip/transport/transport.js';
import type { UnfinishedBytes } from '../sip/transport/unfinished.js';

/** Milliseconds the opening of a connection may take at most. */
const MOST_CONNECT = 5000;

/** Bytes of memory a transaction is taken to need. */
const TRANSACTION_BYTES = 3072;

/** Transactions that fit into half the memory this process may use (node --max-old-space-size). */
export function affordableTransactions(heapLimit = getHeapStatistics().heap_size_limit): number {
  return Math.max(1000, Math.floor(heapLimit / 2 / TRANSACTION_BYTES));
}

/** What of the settings the transaction layer needs. */
export function layerOptions({ tm, limits }: Settings): TransactionConfig {
  return {
    t1: tm.t1,
    t2: tm.t2,
    t4: tm.t4,
    frTimeout: tm.frTimeout * 1000,
    frInvTimeout: Math.min(tm.frInvTimeout, tm.timerC) * 1000,
    strictReplySource: tm.strictReplySource,
    maxTransactions: Math.min(limits.maxTransactions, affordableTransactions()),
  };
}

/** What of the settings bounds the connections of a stream socket. */
export function connectionBounds(
  { tm, limits }: Settings,
  unfinished: UnfinishedBytes,
): Pick<StreamOptions, 'maxConnections' | 'connectMs' | 'unfinished'> {
  // Once fr_timeout has passed the request has gone elsewhere: it must not wait for a connection any longer.
  const connectMs = Math.min(MOST_CONNECT, tm.frTimeout * 1000);
  return { maxConnections: limits.maxConnections, connectMs, unfinished };
}

/** What one source may send. */
export function rateLimit({ limits }: Settings): RateLimit {
  return { perSecond: limits.requestsPerSecondPerSource, burst: limits.burst };
}

/** The certificates of a socket: those of its own, or the common ones. */
export function certificatesFor(tls: TlsConfig | undefined, socket: SocketDescription): TlsConfig | undefined {
  const at = hostPort(socket.host, socket.port);
  const own = tls?.listeners.find(({ addresses }) => addresses.includes(at));
  if (tls === undefined || own === undefined) return tls;
  const { cert, key, verifyClient } = own;
  // Without another client certificate the socket shows the common one to servers.
  const common = {
    addresses: [],
    serverNames: [],
    cert: tls.cert,
    key: tls.key,
    ca: tls.ca,
    verifyServer: tls.verifyServer,
    ...protocolOf(tls),
  };
  const { contexts, listeners, verifyServer } = tls;
  const clients = [...tls.clients, common];
  return { contexts, listeners, verifyServer, ...protocolOf(own), cert, key, verifyClient, ca: own.ca, clients };
}
