import { keyedHash } from '../core/keyed-hash.js';
import { Mixer, text32 } from '../core/mix.js';
import type { Random } from '../core/random.js';
import { bareHost, defaultPort, type TransportName } from '../core/uri.js';
import type { SipMessage } from '../sip/message.js';
import type { Source } from '../sip/transport/transport.js';
import type { Via } from '../sip/via.js';

/** Suffix of the branch parameter of requests forwarded without state, whose replies are routed by Via alone. */
export const STATELESS = '-s';
/** First character after the magic cookie in these branch parameters. Those of transactions have a digit there. */
const MARK = 'z';

/**
 * Address a reply is sent to when no state is kept: from the Via below ours, or the connection that a flow token names.
 */
export interface ReplyAddress {
  readonly address: string;
  readonly port: number;
  readonly transport: TransportName;
  readonly flow: string | undefined;
}

/**
 * Makes and checks the branch parameters of requests forwarded without a transaction. As no state is kept, the branch
 * parameter itself must prove that this proxy made it. It is a keyed hash over fields that the reply copies, among them
 * those that route the reply. A reply with any other branch does not answer a request sent from here, whatever its Vias
 * say (RFC 3261 section 16.11).
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

  /**
   * The branch parameter of a request: the same for a retransmission, its ACK and its CANCEL. `loopHash` is computed as
   * for branches with state.
   */
  make(message: SipMessage, source: Source, loopHash: string): string {
    const { via } = message;
    if (via === undefined) return `${this.prefix}${MARK}.${loopHash}${STATELESS}`;
    const transport = transportOf(via);
    const port = via.rport ? source.port : via.port || defaultPort(transport);
    const way: ReplyAddress = { address: source.address, port, transport, flow: source.flow?.id };
    return `${this.prefix}${MARK}${this.hash(message, via, way)}.${loopHash}${STATELESS}`;
  }

  /**
   * The branch parameter of a request that gets no reply. It proves nothing and costs a sixth of the time. A
   * retransmission, which has its sender's branch again, gets the same one.
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

  /**
   * Whether a reply's topmost Via has the branch parameter that `make` gave the request. `below` is the Via under it.
   */
  made(reply: SipMessage, below: Via, way: ReplyAddress): boolean {
    const branch = reply.via?.branch ?? '';
    return branch.startsWith(`${this.prefix}${MARK}${this.hash(reply, below, way)}.`) && branch.endsWith(STATELESS);
  }

  private hash({ callId, cseqNumber }: SipMessage, { branch, host }: Via, way: ReplyAddress): string {
    const { address, port, transport, flow = '' } = way;
    return keyedHash(this.key, `${cseqNumber} ${transport} ${address} ${port} ${flow} ${host} ${branch}\n${callId}`);
  }
}

/** Where a reply goes by the Via below ours (RFC 3261 section 18.2.2), or by the connection that ours names. */
export function replyAddress(below: Via, flow: string | undefined): ReplyAddress {
  const transport = transportOf(below);
  const port = below.rportValue || below.port || defaultPort(transport);
  return { address: bareHost(below.received || below.host), port, transport, flow };
}

function transportOf({ transport }: Via): TransportName {
  return transport.toLowerCase() as TransportName;
}
