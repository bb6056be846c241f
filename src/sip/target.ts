import { ownText } from '../core/own-text.js';
import type { SipSocket } from './transport/transport.js';

/** Fully resolved target of a request: socket, address, port. */
export interface ResolvedTarget {
  readonly socket: SipSocket;
  /** IP literal without brackets. */
  readonly address: string;
  readonly port: number;
  /** Host name for TLS server name indication; undefined for IP literals. */
  readonly serverName: string | undefined;
  /** Sent-by of our Via, instead of the socket's own address. */
  readonly sentBy?: string | undefined;
}

/** A power of two. */
const RECENT = 1024;

/** Makes targets and reuses the object of a recently used target: transactions keep theirs for half a minute. */
export class TargetCache {
  private readonly recent: (ResolvedTarget | undefined)[] = new Array<ResolvedTarget | undefined>(RECENT).fill(
    undefined,
  );

  /** The target for these values. `serverName`: the name a certificate has to be for; undefined: the address. */
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
