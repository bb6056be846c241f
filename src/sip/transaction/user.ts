import type { SipMessage } from '../message.js';
import type { Source } from '../transport/transport.js';
import type { InviteServer, ServerTransaction } from './server.js';

/** The application above: the proxy core. */
export interface TransactionUser {
  /** A request that belongs to no transaction, sound in form; a CANCEL only when its INVITE is not known. */
  onRequest(request: SipMessage, source: Source): void;
  /** An ACK that belongs to no INVITE we answered ourselves: one for a 2xx. */
  onAck(request: SipMessage, source: Source): void;
  /** A CANCEL for an INVITE that is known; it has been answered. Without `server` the INVITE has had its final reply. */
  onCancel(server: InviteServer | undefined): void;
  /** One more 2xx of an answered call; `pass` sends text to its caller. */
  onFurtherSuccess(reply: SipMessage, pass: (text: string) => void): void;
  /** A reply that matches no transaction of ours. */
  onStrayReply(reply: SipMessage, source: Source): void;
}

/** What the layer knows of a request that a script is run for. */
export interface KnownRequest {
  /**
   * new: of no transaction. copy: a retransmission. ack: acknowledges a failure of ours, which is noted already.
   * accepted: an ACK with the branch of an INVITE that was answered with 2xx.
   */
  readonly kind: 'new' | 'copy' | 'ack' | 'accepted';
  /** The transaction of a copy, while it has not ended. */
  readonly server: ServerTransaction | undefined;
  /** Sends the last reply again, as is due for a copy. */
  repeat(): void;
}

/** Sees every message before it is matched: copies, ACKs and CANCELs too. For scripts, which do the matching themselves. */
export interface MessageObserver {
  /** Every request that may be processed, before the layer does anything about it. */
  onMessage(request: SipMessage, source: Source, known: KnownRequest): void;
  /** A reply as it goes on; undefined drops it. */
  onReply(reply: SipMessage, source: Source): SipMessage | undefined;
  /** A request that may not be processed; false leaves it to the layer to answer. */
  onDefect(request: SipMessage, source: Source): boolean;
}
