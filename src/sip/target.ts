import type { SipSocket } from './transport/transport.js';

/** Where a request goes, with nothing left to find out: socket, address, port. */
export interface ResolvedTarget {
  readonly socket: SipSocket;
  /** IP literal without brackets. */
  readonly address: string;
  readonly port: number;
  /** Host name for TLS server name indication; undefined for IP literals. */
  readonly serverName: string | undefined;
}
