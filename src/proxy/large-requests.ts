import type { Logger } from '../core/logger.js';
import type { LocalSockets } from '../sip/local-sockets.js';
import type { Address } from '../sip/resolve.js';
import type { SipSocket } from '../sip/transport/transport.js';

/** Milliseconds a connection for a request that is too large for UDP may take: longer than one lost SYN. */
const CONNECT_MS = 1500;
/** Milliseconds it is remembered that TCP does not lead to an address, before and after UDP did. */
const REFUSED_MS = 300_000;
const PROVEN_MS = 24 * 3600 * 1000;
/** Addresses remembered. */
const MOST_ADDRESSES = 10_000;

/**
 * Requests that are too large for UDP go by TCP where there is a socket for it (RFC 3261 section 18.1.1). Gateways that speak
 * UDP only are remembered, so that a call does not wait for them each time.
 */
export class LargeRequests {
  /** Addresses that TCP does not lead to, and until when that is believed. */
  private readonly refused = new Map<string, number>();

  constructor(
    /** Bytes beyond which a request is too large; 0: none is. */
    private readonly limit: number,
    private readonly sockets: LocalSockets,
    /** Monotonic milliseconds. */
    private readonly now: () => number,
    private readonly log: Logger,
  ) {}

  isLarge(text: string, socket: SipSocket): boolean {
    return this.limit > 0 && text.length > this.limit && socket.transport === 'udp';
  }

  /** The TCP socket to an address; undefined when there is none, or when TCP has not led there lately. */
  streamTo(address: Address): SipSocket | undefined {
    const until = this.refused.get(keyOf(address));
    if (until !== undefined && until > this.now()) return undefined;
    return this.sockets.choose({ transport: 'tcp', family: address.family }, undefined);
  }

  /** A request was given to a TCP socket: should it have to connect first, that must not take long. */
  tried(stream: SipSocket, { address, port, name }: Address): void {
    stream.hurry?.(address, port, name, CONNECT_MS);
  }

  /** TCP did not lead to an address: its large requests go by UDP. */
  streamFailed(address: Address): void {
    if (this.refused.size >= MOST_ADDRESSES) this.refused.clear();
    this.refused.set(keyOf(address), this.now() + REFUSED_MS);
    const source = `${address.address}:${address.port}`;
    this.log.warn({ source }, 'TCP does not lead there: requests too large for UDP are sent by UDP');
  }

  /** A large request by UDP was answered, or not: what was learned holds for a day, or no more. */
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
