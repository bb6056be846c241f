import type { SipMessage } from '../message.js';
import type { Source } from '../transport/transport.js';
import type { InviteServer, ServerTransaction } from './server.js';

/** Receives what transactions do not handle: the proxy core. */
export interface TransactionUser {
  /** A valid request without a transaction; a CANCEL only when its INVITE is unknown. */
  onRequest(request: SipMessage, source: Source): void;
  /** An ACK that does not belong to a failure reply of ours: one for a 2xx. */
  onAck(request: SipMessage, source: Source): void;
  /**
   * A CANCEL for a known INVITE; the CANCEL itself has been answered. `server`: undefined if the INVITE had its final
   * reply.
   */
  onCancel(server: InviteServer | undefined): void;
  /** A further 2xx of an answered call; `pass` sends text to the caller. */
  onFurtherSuccess(reply: SipMessage, pass: (text: string) => void): void;
  /** A reply that matches no transaction of ours. */
  onStrayReply(reply: SipMessage, source: Source): void;
}

/** What the layer knows about a request for which a script runs. */
export interface KnownRequest {
  /**
   * new: has no transaction. copy: a retransmission. ack: for a failure reply of ours, whose retransmission has been
   * stopped. accepted: an ACK with the branch of an INVITE that was answered with 2xx.
   */
  readonly kind: 'new' | 'copy' | 'ack' | 'accepted';
  /** The transaction of a retransmission, while it exists. */
  readonly server: ServerTransaction | undefined;
  /** Sends the last reply again, which is the answer to a retransmission. */
  repeat(): void;
}

/**
 * Receives every message before it is matched, including retransmissions, ACKs and CANCELs. For scripts, which do the
 * matching themselves.
 */
export interface MessageObserver {
  /** A valid request, before the layer handles it. */
  onMessage(request: SipMessage, source: Source, known: KnownRequest): void;
  /** Returns the reply to go on with; undefined drops it. */
  onReply(reply: SipMessage, source: Source): SipMessage | undefined;
  /** An invalid request; false: the layer answers it. */
  onDefect(request: SipMessage, source: Source): boolean;
}
