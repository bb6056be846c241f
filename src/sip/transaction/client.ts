import type { SipMessage } from '../message.js';
import type { ResolvedTarget } from '../target.js';
import { type TimerWheel, WheelTimer } from '../timers.js';
import type { Flow, Source, TransportError } from '../transport/transport.js';
import type { BranchId } from './branch.js';
import type { TransactionConfig } from './config.js';
import { buildAck, buildCancel, type DerivedForm } from './derived.js';
import { Kind } from './remnants.js';
import type { TableEntry } from './table.js';

/** Minimum of timer D over UDP (RFC 3261 section 17.1.1.2). */
const MIN_TIMER_D_MS = 32_000;

/** States of client transactions (RFC 3261 section 17.1, RFC 6026). */
export type ClientState = 'calling' | 'trying' | 'proceeding' | 'completed' | 'accepted' | 'terminated';

/** Transaction user of a client transaction: receives its replies and its failure. */
export interface ClientUser {
  /** Receives the replies to forward: provisional ones, the final one, and for INVITE each further 2xx. */
  onReply(client: ClientTransaction, reply: SipMessage): void;
  /**
   * No final reply in time (`timeout`), or the request could not be sent. Called at most once, and not after a final
   * reply.
   */
  onFailure(client: ClientTransaction, failure: ClientFailure): void;
  /** Header lines of the CANCEL that is sent after a timeout. */
  readonly timeoutLines?: string;
  /** A final reply after the failure was reported, such as 487 to the CANCEL of a timeout. */
  onLate?(reply: SipMessage): void;
  /** Whether ICMP errors are ignored, so that only the timer decides. */
  readonly ignoresIcmp?: boolean;
  /** How to write an ACK and a CANCEL; absent: the usual form. */
  readonly derivedForm?: DerivedForm;
}

/** The timer that runs from a provisional to the final reply of an INVITE (timer C), in milliseconds. */
export interface RingTimer {
  /** Its length; it is read again after each provisional reply, which may change it. */
  readonly ms: number;
  /** How long it may still run now: its length, or less. */
  readonly left: number;
  /**
   * Whether each reply above 100 restarts it (RFC 3261 section 16.7); otherwise only the first provisional reply does.
   */
  readonly restarts: boolean;
}

/** The upper half of the key of a client transaction. It differs for a CANCEL, which has the branch of its INVITE. */
export function upperKey(high: number, method: string): number {
  return method === 'CANCEL' ? (high << 1) | 1 : high << 1;
}

/** The user of a transaction whose events nobody needs any more; it keeps no object alive. */
export const NOBODY: ClientUser = { onReply() {}, onFailure() {} };

/** Why a client transaction ended without a final reply. */
export interface ClientFailure {
  readonly kind: 'timeout' | 'transport';
  /** Whether a provisional reply came before. */
  readonly provisional: boolean;
  readonly cause: TransportError['cause'];
  readonly message: string;
}

/** Source and port of a call's INVITE, for sending replies to the caller. */
export interface CallerSide {
  readonly source: Source;
  readonly replyPort: number;
  readonly sentByPort: number;
}

/** The functions of the transaction layer that a client transaction calls. */
export interface ClientHost {
  readonly config: TransactionConfig;
  readonly timers: TimerWheel;
  readonly counters: { readonly requestsSent: { value: number } };
  /** Monotonic milliseconds. */
  now(): number;
  /** Sends the CANCEL of an INVITE in its own transaction, with the branch of the INVITE. */
  sendCancel(text: string, invite: ClientTransaction, flow: Flow | undefined): void;
  /** Sets the bytes of messages that a transaction keeps. */
  weigh(client: ClientTransaction, bytes: number, source: undefined): void;
  /** Replaces an ended transaction by a record that absorbs further replies, or passes a 2xx to the caller. */
  retireClient(client: ClientTransaction, kind: Kind, caller: CallerSide | undefined): void;
  removeClient(client: ClientTransaction): void;
}

/** The common part of both client transactions. */
export abstract class ClientTransaction extends WheelTimer implements TableEntry<ClientTransaction> {
  nextInTable: ClientTransaction | undefined = undefined;
  abstract readonly invite: boolean;
  readonly method: string;
  readonly keyA: number;
  readonly keyB: number;
  /** The connection that the request was sent over; undefined for UDP. */
  connection: Flow | undefined = undefined;
  state: ClientState = 'trying';
  protected interval = 0;
  protected deadline = 0;
  protected failed = false;
  /** Whether the request was sent again over a new connection. */
  private again = false;
  /** @internal What it counts in addition to 1, because of the size of its messages. */
  surplus = 0;

  constructor(
    protected readonly layer: ClientHost,
    readonly branch: BranchId,
    /** The request as sent; '' when it is no longer needed. */
    protected request: string,
    readonly target: ResolvedTarget,
    protected user: ClientUser,
    protected readonly flow: Flow | undefined,
  ) {
    super();
    this.method = request.slice(0, request.indexOf(' '));
    this.keyA = branch.low;
    this.keyB = upperKey(branch.high, this.method);
  }

  /** Sends the request and starts the timers. */
  abstract start(): void;
  /** Handles a reply to the request. */
  abstract receive(reply: SipMessage): void;

  /** Receives its replies and its failure. */
  get listener(): ClientUser {
    return this.user;
  }

  /** Monotonic milliseconds, the time base of its timers. */
  clockNow(): number {
    return this.layer.now();
  }

  protected transmit(text: string): void {
    const { socket, address, port, serverName } = this.target;
    this.layer.counters.requestsSent.value++;
    socket.send(text, address, port, this.onSendError, this.flow, serverName);
    if (socket.reliable) this.connection = socket.connectionTo?.(address, port, this.flow, serverName);
  }

  protected get onSendError(): (error: TransportError) => void {
    return (error) => {
      // Nothing came over the connection since the request was written, so it is sent again over a new one. If the peer
      // has received it, it is a retransmission to the peer, since the branch is the same.
      if (error.stale === true && this.flow === undefined && !this.again && this.unanswered) {
        this.again = true;
        this.transmit(this.request);
      } else this.fail('transport', error.cause, error.message);
    };
  }

  /** The request's connection was reset. If not even a provisional reply has come, the request is sent again, once. */
  connectionBroken(): void {
    if (this.state === 'proceeding') this.fail('transport', 'refused', 'the connection was reset');
  }

  /**
   * ICMP reports that a datagram did not arrive (RFC 3261 section 18.4). After a reply, the report must be about
   * another datagram.
   */
  undelivered(): void {
    if (this.unanswered && this.user.ignoresIcmp !== true)
      this.fail('transport', 'refused', 'nothing listens there (ICMP)');
  }

  /** Whether it still waits for the first reply. */
  private get unanswered(): boolean {
    return !this.failed && (this.state === 'calling' || this.state === 'trying');
  }

  protected fail(kind: ClientFailure['kind'], cause: TransportError['cause'], message: string): void {
    if (this.failed || (this.state !== 'calling' && this.state !== 'trying' && this.state !== 'proceeding')) return;
    this.failed = true;
    const provisional = this.state === 'proceeding';
    this.afterFailure(kind);
    this.user.onFailure(this, { kind, provisional, cause, message });
  }

  protected abstract afterFailure(kind: ClientFailure['kind']): void;

  protected terminate(): void {
    this.state = 'terminated';
    this.request = '';
    this.layer.timers.cancel(this);
    this.layer.removeClient(this);
  }
}

/**
 * INVITE client transaction: RFC 3261 section 17.1.1, with the accepted state of RFC 6026 section 7.2. After a failure
 * it is kept for 64*T1, so that a late 2xx is still forwarded to the caller.
 */
export class InviteClient extends ClientTransaction {
  readonly invite = true;
  /** The CANCEL may be sent only after a provisional reply (section 9.1): it is sent at once, or with the first one. */
  private cancelWanted = false;
  private cancelSent = false;
  /** Our ACK, kept while the final reply may be retransmitted. */
  private ack = '';
  /** Additional header lines of the CANCEL. */
  private cancelLines = '';
  /** Length of timer C as it was last started, in milliseconds. */
  private waiting = 0;

  constructor(
    layer: ClientHost,
    branch: BranchId,
    request: string,
    target: ResolvedTarget,
    user: ClientUser,
    flow: Flow | undefined,
    /** Milliseconds to wait for the first reply; default: those of the layer. */
    private readonly silentMs = layer.config.frTimeout,
    /** From a provisional to a final reply; undefined: that of the layer. */
    private readonly ring?: RingTimer,
  ) {
    super(layer, branch, request, target, user, flow);
  }

  start(): void {
    this.state = 'calling';
    const { config, timers } = this.layer;
    // Timer B has the value fr_timeout: how long a destination may send nothing.
    this.deadline = this.layer.now() + this.silentMs;
    this.interval = config.t1;
    timers.arm(this, this.target.socket.reliable ? this.silentMs : Math.min(this.interval, this.silentMs));
    this.transmit(this.request);
  }

  /**
   * Cancels the branch; no effect after its final reply. `lines`: header lines for the CANCEL, such as a Reason.
   * `early`: without a provisional reply the CANCEL is sent, too, and the INVITE no more.
   */
  cancel(lines = '', early = false): void {
    this.cancelLines = lines;
    if (this.state !== 'calling' && this.state !== 'proceeding') return;
    this.cancelWanted = true;
    if (!early && this.state === 'calling') return;
    this.state = 'proceeding';
    this.sendCancel();
  }

  /** Sends the INVITE no more and reports nothing; a provisional reply is still followed by a CANCEL, with `lines`. */
  abandon(lines: string): void {
    if (this.state !== 'calling' || this.failed) return;
    this.failed = true;
    this.cancelLines = lines;
    this.layer.timers.armLoosely(this, 64 * this.layer.config.t1);
  }

  receive(reply: SipMessage): void {
    const status = reply.status;
    switch (this.state) {
      case 'calling':
      case 'proceeding':
        if (status < 200) {
          const first = this.state === 'calling';
          this.state = 'proceeding';
          if (!this.failed) {
            if (first || (status > 100 && this.ring?.restarts !== false)) this.waitForFinal();
            if (this.cancelWanted) this.sendCancel();
            this.user.onReply(this, reply);
            if (this.ring !== undefined && this.ring.ms !== this.waiting) this.waitForFinal();
          } else if (!this.cancelSent) {
            // A provisional reply after the timeout: sends a CANCEL, so that the callee stops ringing.
            this.sendCancel();
          }
          return;
        }
        if (status < 300) {
          this.accept(reply);
          return;
        }
        this.complete(reply);
        return;
      case 'completed':
        if (status >= 300 && this.ack !== '') this.transmitQuietly(this.ack);
        return;
      case 'accepted':
        if (status >= 200 && status < 300) this.user.onReply(this, reply);
        return;
    }
  }

  /** Starts timer C anew, unless the branch is cancelled or has ended. */
  private waitForFinal(): void {
    const { ring, layer } = this;
    this.waiting = ring?.ms ?? layer.config.frInvTimeout;
    if (this.state !== 'proceeding' || this.failed || this.cancelSent) return;
    layer.timers.arm(this, ring?.left ?? this.waiting);
  }

  onTimer(): void {
    const left = this.deadline - this.layer.now();
    if (this.state === 'calling' && !this.failed) {
      if (left <= 0 || this.target.socket.reliable) {
        this.fail('timeout', 'timeout', 'no reply');
        return;
      }
      // Timer A
      this.transmit(this.request);
      this.interval *= 2;
      this.layer.timers.arm(this, Math.min(this.interval, left));
      return;
    }
    if (this.state === 'proceeding' && !this.failed && !this.cancelSent) {
      this.fail('timeout', 'timeout', 'no final reply');
      return;
    }
    if (this.state === 'proceeding' && !this.failed) {
      // After the CANCEL no 487 came within 64*T1: the transaction counts as terminated (section 9.1).
      this.fail('timeout', 'timeout', 'no final reply after CANCEL');
    }
    this.terminate();
  }

  protected afterFailure(kind: ClientFailure['kind']): void {
    if (kind === 'transport') {
      this.terminate();
      return;
    }
    if (this.cancelSent) {
      this.terminate();
      return;
    }
    this.cancelLines = this.user.timeoutLines ?? '';
    if (this.state === 'proceeding') this.sendCancel();
    // Stays in memory for a late reply.
    this.layer.timers.armLoosely(this, 64 * this.layer.config.t1);
  }

  /**
   * Called after a 2xx: releases everything except the address of the caller. Further 2xx are sent to the caller with
   * `onFurtherSuccess`, not to the transaction's user. Timer M continues.
   */
  takenBy(server: CallerSide): void {
    if (this.state !== 'accepted') return;
    this.state = 'terminated';
    this.user = NOBODY;
    this.layer.timers.cancel(this);
    this.layer.retireClient(this, Kind.taken, server);
  }

  private accept(reply: SipMessage): void {
    this.state = 'accepted';
    this.request = '';
    this.layer.weigh(this, 0, undefined);
    this.user.onReply(this, reply);
    // Timer M
    if (this.state === 'accepted') this.layer.timers.armLoosely(this, 64 * this.layer.config.t1);
  }

  private complete(reply: SipMessage): void {
    const ack = buildAck(this.request, reply, this.user.derivedForm);
    this.state = 'completed';
    this.request = '';
    this.transmitQuietly(ack);
    if (this.target.socket.reliable) this.terminate();
    else {
      this.ack = ack;
      this.layer.weigh(this, ack.length, undefined);
      this.layer.timers.armLoosely(this, Math.max(MIN_TIMER_D_MS, 64 * this.layer.config.t1));
    }
    const { user } = this;
    this.user = NOBODY;
    if (this.failed) user.onLate?.(reply);
    else user.onReply(this, reply);
  }

  private sendCancel(): void {
    if (this.cancelSent) return;
    this.cancelSent = true;
    this.layer.sendCancel(buildCancel(this.request, this.cancelLines, this.user.derivedForm), this, this.flow);
    this.layer.timers.arm(this, 64 * this.layer.config.t1);
  }

  private transmitQuietly(text: string): void {
    const { socket, address, port, serverName } = this.target;
    this.layer.counters.requestsSent.value++;
    socket.send(text, address, port, undefined, this.flow, serverName);
  }
}
