import type { Logger } from '../core/logger.js';
import type { LocalSockets } from '../sip/local-sockets.js';
import type { Address } from '../sip/resolve.js';
import type { SipSocket } from '../sip/transport/transport.js';

/** Milliseconds to wait for a TCP connection for a request that is too large for UDP; allows for one lost SYN. */
const CONNECT_MS = 1500;
/**
 * Milliseconds an address is remembered as unreachable by TCP: after the first failure, and after it has answered by
 * UDP.
 */
const REFUSED_MS = 300_000;
const PROVEN_MS = 24 * 3600 * 1000;
/** Maximum number of addresses stored. */
const MAX_ADDRESSES = 10_000;

/**
 * Sends requests that are too large for UDP by TCP if there is a TCP socket (RFC 3261 section 18.1.1). Remembers
 * gateways that support only UDP, so that not every call waits for a TCP connection that fails.
 */
export class LargeRequests {
  /** Addresses unreachable by TCP, and when each entry expires. */
  private readonly refused = new Map<string, number>();

  constructor(
    /** Requests longer than this many bytes are too large; 0: no limit. */
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

  /** A request was given to a TCP socket: if a connection has to be opened first, its timeout is short. */
  tried(stream: SipSocket, { address, port, name }: Address): void {
    stream.limitConnectTime?.(address, port, name, CONNECT_MS);
  }

  /** TCP to an address failed: from now on its large requests go by UDP. */
  streamFailed(address: Address): void {
    if (this.refused.size >= MAX_ADDRESSES) this.refused.clear();
    this.refused.set(keyOf(address), this.now() + REFUSED_MS);
    const source = `${address.address}:${address.port}`;
    this.log.warn({ source }, 'an address cannot be reached by TCP: requests too large for UDP are sent to it by UDP');
  }

  /**
   * A large request was sent by UDP. If it was answered, TCP is not tried for a day; otherwise the entry is removed.
   */
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
