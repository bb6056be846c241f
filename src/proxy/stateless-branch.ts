import { keyedHash } from '../core/keyed-hash.js';
import { Mixer, text32 } from '../core/mix.js';
import type { Random } from '../core/random.js';
import { bareHost, defaultPort, type TransportName } from '../core/uri.js';
import type { SipMessage } from '../sip/message.js';
import type { Source } from '../sip/transport/transport.js';
import type { Via } from '../sip/via.js';

/** Suffix of the branches of requests relayed without state, whose replies are routed by Via alone. */
export const STATELESS = '-s';
/** First character after the prefix in these branches: not a digit used in the branches of transactions. */
const MARK = 'z';

/** Target of a reply relayed without state: from the Via below ours, or the connection that a flow token names. */
export interface WayBack {
  readonly address: string;
  readonly port: number;
  readonly transport: TransportName;
  readonly flow: string | undefined;
}

/**
 * Branches of requests relayed without a transaction. No state is kept of them, so the branch itself must prove that we
 * made it: it is a keyed hash over fields that the reply copies, including those that route it. A reply with any other
 * branch does not belong to a request of ours, whatever its Vias say (RFC 3261 section 16.11).
 */
export class StatelessBranches {
  private readonly key: string;
  private readonly mixer: Mixer;

  constructor(
    private readonly prefix: string,
    random: Random,
  ) {
    this.key = random.token(32);
    this.mixer = new Mixer(random.uint32(), random.uint32());
  }

  /** The same branch for the same request, its ACK and its CANCEL. `loopHash` as branches with state have it. */
  make(message: SipMessage, source: Source, loopHash: string): string {
    const { via } = message;
    if (via === undefined) return `${this.prefix}${MARK}.${loopHash}${STATELESS}`;
    const transport = transportOf(via);
    const port = via.rport ? source.port : via.port || defaultPort(transport);
    const way: WayBack = { address: source.address, port, transport, flow: source.flow?.id };
    return `${this.prefix}${MARK}${this.hash(message, via, way)}.${loopHash}${STATELESS}`;
  }

  /**
   * The branch of a request that gets no reply: it proves nothing, and costs a sixth. The same for a retransmission, which has
   * the branch of its sender again.
   */
  makeUnproven({ callId, cseqNumber, via }: SipMessage, loopHash: string): string {
    const { a, b } = this.mixer
      .begin()
      .text(callId)
      .number(cseqNumber)
      .text(via?.branch ?? '')
      .text(via?.host ?? '');
    return `${this.prefix}${MARK}${text32(a >>> 0)}${text32(b >>> 0)}.${loopHash}${STATELESS}`;
  }

  /** Whether a reply's topmost Via has the branch we gave the request it answers. `below` is the Via under ours. */
  made(reply: SipMessage, below: Via, way: WayBack): boolean {
    const branch = reply.via?.branch ?? '';
    return branch.startsWith(`${this.prefix}${MARK}${this.hash(reply, below, way)}.`) && branch.endsWith(STATELESS);
  }

  private hash({ callId, cseqNumber }: SipMessage, { branch, host }: Via, way: WayBack): string {
    const { address, port, transport, flow = '' } = way;
    return keyedHash(this.key, `${cseqNumber} ${transport} ${address} ${port} ${flow} ${host} ${branch}\n${callId}`);
  }
}

/** Where a reply goes by the Via below ours (RFC 3261 section 18.2.2), or by the connection that ours names. */
export function wayBack(below: Via, flow: string | undefined): WayBack {
  const transport = transportOf(below);
  const port = below.rportValue || below.port || defaultPort(transport);
  return { address: bareHost(below.received || below.host), port, transport, flow };
}

function transportOf({ transport }: Via): TransportName {
  return transport.toLowerCase() as TransportName;
}
