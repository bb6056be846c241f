import type { Logger } from '../core/logger.js';
import type { LocalSockets } from '../sip/local-sockets.js';
import type { Address } from '../sip/resolve.js';
import type { SipSocket } from '../sip/transport/transport.js';

/** Milliseconds a connection for a request that is too large for UDP may take: longer than one lost SYN. */
const CONNECT_MS = 1500;
/** Milliseconds an address is stored as unreachable by TCP: at first, and once it has answered by UDP. */
const REFUSED_MS = 300_000;
const PROVEN_MS = 24 * 3600 * 1000;
/** Maximum number of addresses stored. */
const MOST_ADDRESSES = 10_000;

/**
 * Requests that are too large for UDP go by TCP if there is a socket for it (RFC 3261 section 18.1.1). The addresses of
 * gateways that support only UDP are stored, so that not every call waits for a failed TCP connection.
 */
export class LargeRequests {
  /** Addresses unreachable by TCP, and when each entry expires. */
  private readonly refused = new Map<string, number>();

  constructor(
    /** Bytes beyond which a request is too large; 0: none is. */
    private readonly limit: number,
    private readonly sockets: LocalSockets,
    /** Monotonic milliseconds. */
    private readonly now: () => number,
    private readonly log: Logger,
  ) {}

  /** Whether a request that would leave by this socket is too large for UDP. */
  isLarge(text: string, socket: SipSocket): boolean {
    return this.limit > 0 && text.length > this.limit && socket.transport === 'udp';
  }

  /** The TCP socket to an address; undefined when there is none, or when TCP to it failed recently. */
  streamTo(address: Address): SipSocket | undefined {
    const until = this.refused.get(keyOf(address));
    if (until !== undefined && until > this.now()) return undefined;
    return this.sockets.choose({ transport: 'tcp', family: address.family }, undefined);
  }

  /** A request was given to a TCP socket: if it has to connect first, the connection attempt gets a short timeout. */
  tried(stream: SipSocket, { address, port, name }: Address): void {
    stream.hurry?.(address, port, name, CONNECT_MS);
  }

  /** TCP to an address failed: its large requests go by UDP. */
  streamFailed(address: Address): void {
    if (this.refused.size >= MOST_ADDRESSES) this.refused.clear();
    this.refused.set(keyOf(address), this.now() + REFUSED_MS);
    const source = `${address.address}:${address.port}`;
    this.log.warn({ source }, 'TCP does not lead there: requests too large for UDP are sent by UDP');
  }

  /** A large request by UDP was answered: the entry is kept for a day. It was not answered: the entry is removed. */
  datagramEnded(address: Address, answered: boolean): void {
    const key = keyOf(address);
    if (!this.refused.has(key)) return;
    if (answered) this.refused.set(key, this.now() + PROVEN_MS);
    else this.refused.delete(key);
  }
}

function keyOf({ address, port }: Address): string {
  return `${address}|${port}`;
}
