import type { Settings } from '../../config/settings.js';

/** A management endpoint of a daemon, in the form of --to. */
export interface Endpoint {
  readonly target: string;
  /** Folder in which the daemon expects reply FIFOs; undefined: its default. */
  readonly replyDir: string | undefined;
}

/** The endpoint that a client on the same machine uses: FIFO, datagram socket, or HTTP, in this order. */
export function firstEndpoint({ mi, http }: Pick<Settings, 'mi' | 'http'>): Endpoint | undefined {
  // An endpoint without "as" allows most.
  const fifo = mi.fifo.find(({ as }) => as === undefined) ?? mi.fifo[0];
  if (fifo !== undefined) return { target: `fifo:${fifo.fifoName}`, replyDir: fifo.replyDir };
  const datagram = mi.datagram.find(({ as }) => as === undefined) ?? mi.datagram[0];
  if (datagram !== undefined) return { target: datagramTarget(datagram.socketName), replyDir: undefined };
  if (mi.http === undefined || http === undefined) return undefined;
  return {
    target: `${http.tls === undefined ? 'http' : 'https'}://${reachable(bracketed(http.host))}:${http.port}/${mi.http.root}`,
    replyDir: undefined,
  };
}

function datagramTarget(name: string): string {
  const udp = /^udp:(.*):([0-9]+)$/i.exec(name);
  return udp === null ? `unix:${name}` : `udp:${reachable(udp[1] as string)}:${udp[2]}`;
}

/** A socket on all addresses is reached at the loopback address. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '[::]' || host === '::' ? '[::1]' : host;
}

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}
