import type { Admission, TransactionRoom } from '../admission.js';
import type { SipMessage } from '../message.js';
import type { Source } from '../transport/transport.js';
import type { LayerCounters } from './counters.js';
import type { EndedTransactions } from './ended.js';
import type { RequestKeys } from './request-key.js';
import type { InviteServer, ServerTransaction } from './server.js';
import type { StatelessReplies } from './stateless.js';
import type { TransactionTable } from './table.js';
import type { KnownRequest, MessageObserver, TransactionUser } from './user.js';

/** The functions of the transaction layer that matching needs. */
export interface RequestHost extends TransactionRoom {
  readonly counters: LayerCounters;
  /** Creates a server transaction. */
  serve(request: SipMessage, source: Source): ServerTransaction;
}

/**
 * Matches requests to server transactions and to records of ended ones, and passes all other requests to the user: RFC
 * 3261 section 17.2.3.
 */
export class RequestMatching {
  private user: TransactionUser | undefined = undefined;
  private observer: MessageObserver | undefined = undefined;

  constructor(
    private readonly host: RequestHost,
    private readonly servers: TransactionTable<ServerTransaction>,
    private readonly ended: EndedTransactions,
    private readonly keys: RequestKeys,
    private readonly stateless: StatelessReplies,
    private readonly admission: Admission,
  ) {}

  /** See `TransactionLayer.attach`. */
  attach(user: TransactionUser, observer: MessageObserver | undefined): void {
    this.user = user;
    this.observer = observer;
  }

  /** Handles a received request. A malformed one is answered 400, unless the observer takes it. */
  receive(request: SipMessage, source: Source): void {
    this.host.counters.requestsReceived.value++;
    const { work } = this.admission;
    const { length } = request.text;
    if (work === undefined || !work.measures(length)) {
      this.handle(request, source);
      return;
    }
    work.begin();
    try {
      this.handle(request, source);
    } finally {
      work.spent(source.address);
    }
  }

  private handle(request: SipMessage, source: Source): void {
    if (request.defect !== undefined) {
      if (this.observer?.onDefect(request, source) !== true) this.stateless.refuse(request, source);
      return;
    }
    const method = request.method;
    if (this.observer !== undefined) {
      this.observeRequest(this.observer, request, source);
      return;
    }
    const { a, b } = this.keys.of(request, method === 'ACK' ? 'INVITE' : method);
    const known = this.servers.find(a, b);
    if (known !== undefined) {
      if (method === 'ACK') {
        (known as InviteServer).acknowledged();
      } else {
        this.host.counters.retransmissions.value++;
        known.retransmitted();
      }
      return;
    }
    if (this.absorbed(request, source, a, b)) return;
    if (method === 'ACK') {
      // Absorbs an ACK for our own failure reply, if that was sent without state or its record was removed (RFC 3261
      // section 8.2.7).
      if (!this.stateless.isOurTag(request.toTag)) this.user?.onAck(request, source);
      return;
    }
    if (method === 'CANCEL') {
      // Also under overload, since a CANCEL frees a transaction.
      const invite = this.keys.of(request, 'INVITE');
      const cancelled = this.servers.find(invite.a, invite.b);
      if (cancelled !== undefined || this.ended.hasServer(invite.a, invite.b)) {
        this.host.serve(request, source).replyWith(200, 'canceling');
        this.user?.onCancel(cancelled as InviteServer | undefined);
        return;
      }
    }
    if (!this.admits(request, source)) return;
    // This CANCEL belongs to an INVITE forwarded without state, or to none; the proxy decides.
    this.user?.onRequest(request, source);
  }

  /** Whether a new request may be handled; otherwise answers it. */
  private admits(request: SipMessage, source: Source): boolean {
    const refusal = this.admission.refuses(source.address, request.toTag !== '', this.host);
    if (refusal === undefined) return true;
    this.stateless.reply(request, source, 503, refusal.reason, `Retry-After: ${refusal.retryAfter}\r\n`, '', 'asked');
    return false;
  }

  /**
   * Passes a request to the observer, with what the layer knows about it. An ACK for our failure reply ends its
   * retransmission.
   */
  private observeRequest(observer: MessageObserver, request: SipMessage, source: Source): void {
    const { method } = request;
    const { a, b } = this.keys.of(request, method === 'ACK' ? 'INVITE' : method);
    const server = this.servers.find(a, b);
    if (server !== undefined) {
      if (method === 'ACK') {
        (server as InviteServer).acknowledged();
        observer.onMessage(request, source, { kind: 'ack', server, repeat: NOTHING });
        return;
      }
      this.host.counters.retransmissions.value++;
      observer.onMessage(request, source, { kind: 'copy', server, repeat: () => server.retransmitted() });
      return;
    }
    const at = this.ended.servers.find(a, b);
    if (at >= 0 || this.ended.confirmedServers.find(a, b) >= 0) {
      if (method === 'ACK') {
        observer.onMessage(request, source, { kind: at >= 0 ? 'accepted' : 'ack', server: undefined, repeat: NOTHING });
        return;
      }
      this.host.counters.retransmissions.value++;
      const repeat = (): void => void this.absorbed(request, source, a, b);
      observer.onMessage(request, source, { kind: 'copy', server: undefined, repeat });
      return;
    }
    if (method === 'ACK') {
      // An ACK for a failure that was sent without state is absorbed here (RFC 3261 section 8.2.7).
      if (!this.stateless.isOurTag(request.toTag)) observer.onMessage(request, source, NEW_REQUEST);
      return;
    }
    if (method === 'CANCEL' || this.admits(request, source)) observer.onMessage(request, source, NEW_REQUEST);
  }

  /** Whether a request is a retransmission or ACK for an ended transaction; if so, handles it. */
  private absorbed(request: SipMessage, source: Source, a: number, b: number): boolean {
    const at = this.ended.servers.find(a, b);
    if (at < 0 && this.ended.confirmedServers.find(a, b) < 0) return false;
    if (request.method === 'ACK') {
      // An ACK for a 2xx with the branch of the INVITE: RFC 3261 forbids it, but some send it.
      if (at >= 0) this.user?.onAck(request, source);
      return true;
    }
    this.host.counters.retransmissions.value++;
    if (at < 0) return true;
    const sender = this.ended.servers.sourceAt(at);
    const text = this.ended.servers.textAt(at);
    if (text !== '' && sender !== undefined) {
      this.stateless.sendBack(text, sender, this.ended.servers.replyPortAt(at), this.ended.servers.sentByPortAt(at));
    }
    return true;
  }
}

const NOTHING = (): void => undefined;
const NEW_REQUEST: KnownRequest = { kind: 'new', server: undefined, repeat: NOTHING };
