import { ownText } from '../core/own-text.js';
import type { SipSocket } from './transport/transport.js';

/** Where a request is sent: socket, address, port. */
export interface ResolvedTarget {
  readonly socket: SipSocket;
  /** IP literal without brackets. */
  readonly address: string;
  readonly port: number;
  /** Host name for the TLS server name indication; undefined for IP literals. */
  readonly serverName: string | undefined;
  /** Host and port for the sent-by of our Via, instead of those of the socket. */
  readonly sentBy?: string | undefined;
}

/** Size of the cache, a power of two. */
const RECENT = 1024;

/** Caches targets, so that many transactions share one object: each keeps its target for half a minute. */
export class TargetCache {
  private readonly recent: (ResolvedTarget | undefined)[] = new Array<ResolvedTarget | undefined>(RECENT).fill(
    undefined,
  );

  /**
   * The target with these values. `serverName`: the name that the server's certificate must have; undefined: the
   * address.
   */
  target(socket: SipSocket, address: string, port: number, serverName: string | undefined): ResolvedTarget {
    const slot = port & (RECENT - 1);
    const recent = this.recent[slot];
    if (
      recent !== undefined &&
      recent.port === port &&
      recent.socket === socket &&
      recent.address === address &&
      recent.serverName === serverName
    ) {
      return recent;
    }
    const name = serverName === undefined ? undefined : ownText(serverName);
    const target: ResolvedTarget = { socket, address: ownText(address), port, serverName: name };
    this.recent[slot] = target;
    return target;
  }
}
