import { getHeapStatistics } from 'node:v8';
import type { Settings, SocketDescription, TlsConfig } from '../config/settings.js';
import { protocolOf } from '../core/tls-peers.js';
import type { RateLimit } from '../sip/rate-limit.js';
import type { TransactionConfig } from '../sip/transaction/config.js';
import type { StreamOptions } from '../sip/transport/bind.js';
import { hostPort } from '../sip/transport/transport.js';
import type { UnfinishedBytes } from '../sip/transport/unfinished.js';

/** Maximum milliseconds for opening a connection. */
const MAX_CONNECT = 5000;

/** Estimated memory of a transaction in bytes. */
const TRANSACTION_BYTES = 3072;

/** The number of transactions that fit into half of the memory this process may use (node --max-old-space-size). */
function affordableTransactions(heapLimit = getHeapStatistics().heap_size_limit): number {
  return Math.max(1000, Math.floor(heapLimit / 2 / TRANSACTION_BYTES));
}

/** The options of the transaction layer, from the settings. */
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

/** The limits of a stream socket's connections, from the settings. */
export function connectionBounds(
  { tm, limits }: Settings,
  unfinished: UnfinishedBytes,
): Pick<StreamOptions, 'maxConnections' | 'connectMs' | 'unfinished'> {
  // After fr_timeout the request has been sent elsewhere, so it must not wait for a connection any longer.
  const connectMs = Math.min(MAX_CONNECT, tm.frTimeout * 1000);
  return { maxConnections: limits.maxConnections, connectMs, unfinished };
}

/** The rate limit for a source. */
export function rateLimit({ limits }: Settings): RateLimit {
  return { perSecond: limits.requestsPerSecondPerSource, burst: limits.burst };
}

/** The certificates of a socket: its own, or the common ones. */
export function certificatesFor(tls: TlsConfig | undefined, socket: SocketDescription): TlsConfig | undefined {
  const at = hostPort(socket.host, socket.port);
  const own = tls?.listeners.find(({ addresses }) => addresses.includes(at));
  if (tls === undefined || own === undefined) return tls;
  const { cert, key, verifyClient } = own;
  // Without another client certificate, the socket shows the common one to servers.
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
