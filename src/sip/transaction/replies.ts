import type { Logger } from '../../core/logger.js';
import type { SipMessage } from '../message.js';
import type { ResolvedTarget } from '../target.js';
import type { Source } from '../transport/transport.js';
import { type Branches, highOf, lowOf } from './branch.js';
import { type ClientTransaction, type ClientUser, upperKey } from './client.js';
import type { TransactionConfig } from './config.js';
import type { LayerCounters } from './counters.js';
import type { EndedTransactions } from './ended.js';
import { misfit } from './reply-match.js';
import { SHOWN_OF_CALL_ID, type StatelessReplies } from './stateless.js';
import type { TransactionTable } from './table.js';
import type { MessageObserver, TransactionUser } from './user.js';

/** The functions of the transaction layer that matching needs. */
export interface ReplyHost {
  readonly config: TransactionConfig;
  readonly counters: LayerCounters;
  /** Monotonic milliseconds. */
  now(): number;
  /** Counts a dropped message. */
  garbage(reason: string, source: Source, bytes: number): void;
}

/**
 * Matches replies to client transactions and to records of ended ones, and passes all other replies to the user: RFC
 * 3261 sections 17.1.3 and 18.1.2. Drops replies that name a transaction but do not match it.
 */
export class ReplyMatching {
  private user: TransactionUser | undefined = undefined;
  private observer: MessageObserver | undefined = undefined;
  /** When a forged reply was last logged. */
  private forgedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly host: ReplyHost,
    private readonly clients: TransactionTable<ClientTransaction>,
    private readonly ended: EndedTransactions,
    private readonly branches: Branches,
    private readonly stateless: StatelessReplies,
    private readonly log: Logger,
  ) {}

  /** See `TransactionLayer.attach`. */
  attach(user: TransactionUser, observer: MessageObserver | undefined): void {
    this.user = user;
    this.observer = observer;
  }

  /** Handles a received reply. The observer gets it first, and may change or drop it. */
  receive(reply: SipMessage, source: Source): void {
    this.host.counters.repliesReceived.value++;
    if (reply.defect !== undefined) {
      this.host.garbage(`reply with ${reply.defect}`, source, reply.text.length);
      return;
    }
    if (this.observer !== undefined) {
      const seen = this.observer.onReply(reply, source);
      if (seen === undefined) return;
      reply = seen;
    }
    this.pass(reply, source);
  }

  /** Passes a reply to its transaction, or to the user when there is none, but not to the observer again. */
  pass(reply: SipMessage, source: Source): void {
    const digits = this.branches.digitsIn(reply);
    const low = digits < 0 ? -1 : lowOf(reply.text, digits);
    const high = digits < 0 ? -1 : highOf(reply.text, digits);
    if (low < 0 || high < 0) {
      this.user?.onStrayReply(reply, source);
      return;
    }
    const upper = upperKey(high, reply.method);
    const client = this.clients.find(low, upper);
    if (client === undefined) {
      if (!this.passedOn(reply, source, digits, low, upper)) this.user?.onStrayReply(reply, source);
      return;
    }
    const wrong = misfit(client, reply, digits, reply.callIdA, source);
    if (wrong !== undefined) this.forged(reply, source, wrong);
    else if (this.comesFrom(client.target, source)) client.receive(reply);
    else this.forged(reply, source, 'source address');
  }

  /** The user of the transaction that a reply fits; undefined: none does. */
  userOf(reply: SipMessage, source: Source): ClientUser | undefined {
    const digits = this.branches.digitsIn(reply);
    const low = digits < 0 ? -1 : lowOf(reply.text, digits);
    const high = digits < 0 ? -1 : highOf(reply.text, digits);
    if (low < 0 || high < 0) return undefined;
    const client = this.clients.find(low, upperKey(high, reply.method));
    if (client === undefined || misfit(client, reply, digits, reply.callIdA, source) !== undefined) return undefined;
    return client.listener;
  }

  /**
   * Whether a reply came from the address that the request was sent to. Over UDP it need not; such replies are counted.
   */
  private comesFrom({ address }: ResolvedTarget, source: Source): boolean {
    if (source.flow !== undefined || source.address === address) return true;
    this.host.counters.repliesFromElsewhere.value++;
    return !this.host.config.strictReplySource;
  }

  private forged(reply: SipMessage, source: Source, what: string): void {
    this.host.counters.forgedReplies.value++;
    const now = this.host.now();
    if (now - this.forgedAt < FORGED_LINE_MS) return;
    this.forgedAt = now;
    const callId = reply.callId.slice(0, SHOWN_OF_CALL_ID);
    const fields = { from: `${source.address}:${source.port}`, callId, status: reply.status, what };
    this.log.warn(fields, 'a reply does not match the request of its branch; it was dropped');
  }

  /** Whether a reply belongs to an ended transaction; forwards a further 2xx of an answered call. */
  private passedOn(reply: SipMessage, source: Source, digits: number, low: number, upper: number): boolean {
    const { clients } = this.ended;
    const at = clients.find(low, upper);
    if (at < 0) return this.ended.settledClients.find(low, upper) >= 0;
    const caller = clients.sourceAt(at);
    if (caller === undefined || reply.status < 200 || reply.status >= 300) return true;
    if (clients.checkAt(at) !== this.branches.checkOf(reply, digits)) {
      this.forged(reply, source, 'branch');
      return true;
    }
    const [port, sentByPort] = [clients.replyPortAt(at), clients.sentByPortAt(at)];
    this.user?.onFurtherSuccess(reply, (text) => this.stateless.sendBack(text, caller, port, sentByPort));
    return true;
  }
}

/** Milliseconds between two log lines about replies that do not match. */
const FORGED_LINE_MS = 60_000;
