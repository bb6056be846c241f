import { ipFamily } from '../core/ip-address.js';
import type { Random } from '../core/random.js';
import type { SipMessage } from '../sip/message.js';
import { reasonPhrase, type TextEdit } from '../sip/reply.js';
import type { Address } from '../sip/resolve.js';
import type { TransactionLayer } from '../sip/transaction/layer.js';
import type { Source } from '../sip/transport/transport.js';
import type { Via } from '../sip/via.js';
import { viaValues } from '../sip/via-values.js';
import type { NextHop, RouteOrigin } from './decision.js';
import { loopHash, replyUpstream } from './forward.js';
import type { ProxyObserver } from './observer.js';
import { type Sender, sipsWarning } from './sender.js';
import { replyAddress, StatelessBranches } from './stateless-branch.js';

/**
 * Parameter in our Via that names the connection a request was received on; its replies must leave by that connection
 * (RFC 3261 section 18.2.2).
 */
const FLOW_PARAM = /;i=([0-9a-z]+)/;

/** A request to forward without a transaction, and its hop. */
export interface StatelessRequest {
  readonly message: SipMessage;
  readonly source: Source;
  readonly hop: NextHop;
  readonly recordRoute: boolean;
  readonly edits: readonly TextEdit[];
  readonly origin?: RouteOrigin | undefined;
  /** The request gets no reply, and no other request has its branch: an ACK for a 2xx. */
  readonly unanswered?: boolean | undefined;
}

/** Forwards requests and their replies without a transaction (RFC 3261 section 16.11). */
export class StatelessForwarder {
  private readonly branches: StatelessBranches;

  constructor(
    private readonly layer: TransactionLayer,
    private readonly sender: Sender,
    random: Random,
    /** Called with the code of each final reply that this proxy generates. */
    private readonly counted: (code: number) => void,
    /** Receives events: requests outside dialogs that were forwarded or refused. */
    private readonly observer: () => Pick<ProxyObserver, 'forwarded' | 'refused'> | undefined = () => undefined,
  ) {
    this.branches = new StatelessBranches(layer.branches.prefix, random);
  }

  /** Sends a request as soon as its hop is resolved. If it cannot be sent, answers it with the failure's code. */
  forward(request: StatelessRequest): void {
    const { hop, message } = request;
    const known = this.sender.locate(hop, message);
    if (typeof known === 'number') this.refuse(request, known);
    else if (known !== undefined) this.send(request, known);
    else {
      this.sender.lookUp(hop, message, request.source, (result) => {
        const first = result instanceof Error ? undefined : result[0];
        if (first !== undefined) this.send(request, first);
        else this.refuse(request, 500);
      });
    }
  }

  /** Forwards a reply to the Via below ours if its request was forwarded here; any other reply is dropped. */
  reply(reply: SipMessage, source: Source): void {
    const { via } = reply;
    const below = secondVia(reply);
    if (via === undefined || below === undefined) return;
    const token = FLOW_PARAM.exec(reply.text.slice(via.start, via.end))?.[1];
    const way = replyAddress(below, token);
    // The reply's Vias determine where it is sent, so they must be the ones this proxy sent.
    if (!this.branches.made(reply, below, way)) return;
    const { sockets } = this.sender;
    const flow = token === undefined ? undefined : sockets.flow(token);
    const family = ipFamily(way.address);
    const { transport } = way;
    const socket = flow?.socket ?? (family === 0 ? undefined : sockets.choose({ transport, family }, source.socket));
    if (socket === undefined) return;
    this.layer.counters.repliesSent.value++;
    const to = flow ?? way;
    socket.send(replyUpstream(reply), to.address, to.port, undefined, flow?.flow);
  }

  /** Answers a request that cannot be forwarded. No state is kept: a retransmission is answered again. */
  private refuse({ message, source, origin }: StatelessRequest, code: number): void {
    const headers = code === 480 ? sipsWarning(source) : '';
    this.layer.replyStateless(message, source, code, reasonPhrase(code), headers);
    if (message.method === 'ACK') return;
    this.counted(code);
    this.observer()?.refused(message, source, code, reasonPhrase(code), origin);
  }

  private send(request: StatelessRequest, address: Address): void {
    const { message, source, hop, recordRoute, edits } = request;
    const socket = this.sender.socketTo(hop, address, source);
    if (socket === undefined || this.sender.bars(message, hop, socket)) {
      this.refuse(request, socket === undefined ? 500 : 480);
      return;
    }
    const loop = loopHash(message, source);
    const { branches } = this;
    const branch =
      request.unanswered === true ? branches.makeUnproven(message, loop) : branches.make(message, source, loop);
    const writing = { branch, flow: source.flow?.id, recordRoute, edits, hopEdits: hop.edits, to: address.address };
    const text = this.sender.write(message, source, hop, socket, writing);
    this.layer.counters.requestsSent.value++;
    socket.send(text, address.address, address.port, undefined, hop.flow?.flow, address.name);
    const { method } = message;
    if (message.toTag !== '' || method === 'ACK' || method === 'CANCEL') return;
    this.observer()?.forwarded(
      message,
      source,
      hop,
      { socket, address: address.address, port: address.port, serverName: address.name },
      request.origin,
    );
  }
}

function secondVia(reply: SipMessage): Via | undefined {
  let seen = 0;
  for (const via of viaValues(reply)) if (seen++ === 1) return via;
  return undefined;
}
