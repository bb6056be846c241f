import type { SipMessage } from '../message.js';
import type { ResolvedTarget } from '../target.js';
import { type TimerWheel, WheelTimer } from '../timers.js';
import type { Flow, Source, TransportError } from '../transport/transport.js';
import type { BranchId } from './branch.js';
import type { TransactionConfig } from './config.js';
import { buildAck, buildCancel, type CancelForm } from './derived.js';
import { Kind } from './remnants.js';
import type { TableEntry } from './table.js';

/** States of client transactions (RFC 3261 section 17.1, RFC 6026). */
export type ClientState = 'calling' | 'trying' | 'proceeding' | 'completed' | 'accepted' | 'terminated';

/** Transaction user of a client transaction: receives its replies and its failure. */
export interface ClientUser {
  /** The replies to pass on: provisional ones, the final one, and for INVITE each further 2xx. */
  onReply(client: ClientTransaction, reply: SipMessage): void;
  /** No final reply in time (`timeout`), or the request could not be sent. Called at most once, before any final reply. */
  onFailure(client: ClientTransaction, failure: ClientFailure): void;
  /** Header lines of the CANCEL that is sent after a timeout. */
  readonly timeoutLines?: string;
  /** An ICMP message that a datagram did not arrive is not looked at: the timer decides. */
  readonly ignoresIcmp?: boolean;
  /** How a CANCEL is written; absent: as this proxy writes it. */
  readonly cancelForm?: CancelForm;
}

/** The second key of a client transaction: a CANCEL shares the branch of what it cancels. */
export function upperKey(high: number, method: string): number {
  return method === 'CANCEL' ? (high << 1) | 1 : high << 1;
}

/** User of a transaction whose events are no longer needed; holds no memory. */
export const NOBODY: ClientUser = { onReply() {}, onFailure() {} };

/** Why a client transaction ended without a final reply. */
export interface ClientFailure {
  readonly kind: 'timeout' | 'transport';
  /** Whether a provisional reply had come. */
  readonly provisional: boolean;
  readonly cause: TransportError['cause'];
  readonly message: string;
}

/** Where a call came from, as replies need it. */
export interface CallerSide {
  readonly source: Source;
  readonly replyPort: number;
  readonly sentByPort: number;
}

/** What client transactions need of the layer they belong to. */
export interface ClientHost {
  readonly config: TransactionConfig;
  readonly timers: TimerWheel;
  readonly counters: { readonly requestsSent: { value: number } };
  /** Monotonic milliseconds. */
  now(): number;
  /** Sends the CANCEL of an INVITE under a transaction of its own with the same branch. */
  sendCancel(text: string, invite: ClientTransaction, flow: Flow | undefined): void;
  /** Sets the number of message bytes that a transaction keeps from now on. */
  weigh(client: ClientTransaction, bytes: number, source: undefined): void;
  /** A transaction has ended: the record kept of it absorbs further replies, or passes them to the caller. */
  retireClient(client: ClientTransaction, kind: Kind, caller: CallerSide | undefined): void;
  removeClient(client: ClientTransaction): void;
}

/** What both client transactions share. */
export abstract class ClientTransaction extends WheelTimer implements TableEntry<ClientTransaction> {
  nextInTable: ClientTransaction | undefined = undefined;
  abstract readonly invite: boolean;
  readonly method: string;
  readonly keyA: number;
  readonly keyB: number;
  /** The connection the request went by; undefined over UDP. */
  connection: Flow | undefined = undefined;
  state: ClientState = 'trying';
  protected interval = 0;
  protected deadline = 0;
  protected failed = false;
  /** Whether it was sent once more over a new connection. */
  private again = false;
  /** @internal What it counts beyond one for the size of what it keeps. */
  surplus = 0;

  constructor(
    protected readonly layer: ClientHost,
    readonly branch: BranchId,
    /** The request as sent; '' once it is not needed any more. */
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
  /** A reply to the request has come. */
  abstract receive(reply: SipMessage): void;

  /** Monotonic milliseconds, as its timers count. */
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
      // Nothing was received since it was written. If the peer got it, the same branch makes this a retransmission.
      if (error.stale === true && this.flow === undefined && !this.again && this.unanswered) {
        this.again = true;
        this.transmit(this.request);
      } else this.fail('transport', error.cause, error.message);
    };
  }

  /** The connection for its final reply was reset. A request without even a provisional reply is sent once more. */
  connectionBroken(): void {
    if (this.state === 'proceeding') this.fail('transport', 'refused', 'the connection was reset');
  }

  /** ICMP says that the request did not arrive (RFC 3261 section 18.4). Once a reply has come it means another datagram. */
  undelivered(): void {
    if (this.unanswered && this.user.ignoresIcmp !== true)
      this.fail('transport', 'refused', 'nothing listens there (ICMP)');
  }

  /** Whether it still waits for a first reply. */
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
 * INVITE client transaction: RFC 3261 section 17.1.1 with the accepted state of RFC 6026 section 7.2. A branch that was
 * given up stays reachable for 64*T1, so that a late 2xx is still passed to the caller.
 */
export class InviteClient extends ClientTransaction {
  readonly invite = true;
  /** A CANCEL is wanted: sent at once after a provisional reply, else when the first one comes (section 9.1). */
  private cancelWanted = false;
  private cancelSent = false;
  /** Our ACK, kept while the final reply may come again. */
  private ack = '';
  /** Lines of the CANCEL beyond what it must have. */
  private cancelLines = '';

  constructor(
    layer: ClientHost,
    branch: BranchId,
    request: string,
    target: ResolvedTarget,
    user: ClientUser,
    flow: Flow | undefined,
    /** Milliseconds without any reply, and without a final one after a provisional; those of the layer without. */
    private readonly silentMs = layer.config.frTimeout,
    private readonly ringMs = layer.config.frInvTimeout,
  ) {
    super(layer, branch, request, target, user, flow);
  }

  start(): void {
    this.state = 'calling';
    const { config, timers } = this.layer;
    // Timer B is fr_timeout: how long a destination may stay silent.
    this.deadline = this.layer.now() + this.silentMs;
    this.interval = config.t1;
    timers.arm(this, this.target.socket.reliable ? this.silentMs : Math.min(this.interval, this.silentMs));
    this.transmit(this.request);
  }

  /** Gives the branch up. Harmless when it has its final reply. `lines` are header lines of the CANCEL: a Reason. */
  cancel(lines = ''): void {
    this.cancelLines = lines;
    if (this.state !== 'calling' && this.state !== 'proceeding') return;
    this.cancelWanted = true;
    if (this.state === 'proceeding') this.sendCancel();
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
            // Timer C is begun by the first provisional reply and restarted by those above 100 (section 16.7).
            if (!this.cancelSent && (first || status > 100)) {
              this.layer.timers.arm(this, this.ringMs);
            }
            if (this.cancelWanted) this.sendCancel();
            this.user.onReply(this, reply);
          } else if (!this.cancelSent) {
            // A provisional reply after the timeout: the CANCEL stops the callee from ringing.
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
      // Cancelled, and no 487 was received (section 9.1: wait 64*T1, then consider it terminated).
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
    // Stays for a late reply.
    this.layer.timers.armLoosely(this, 64 * this.layer.config.t1);
  }

  /**
   * Releases everything but the return path: further 2xx of an answered call go to its caller by `onFurtherSuccess`,
   * without the current user. Timer M continues.
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
    const ack = buildAck(this.request, reply);
    this.state = 'completed';
    this.request = '';
    this.transmitQuietly(ack);
    if (this.target.socket.reliable) this.terminate();
    else {
      this.ack = ack;
      this.layer.weigh(this, ack.length, undefined);
      // Timer D
      this.layer.timers.armLoosely(this, Math.max(32_000, 64 * this.layer.config.t1));
    }
    const { user } = this;
    this.user = NOBODY;
    if (!this.failed) user.onReply(this, reply);
  }

  private sendCancel(): void {
    if (this.cancelSent) return;
    this.cancelSent = true;
    this.layer.sendCancel(buildCancel(this.request, this.cancelLines, this.user.cancelForm), this, this.flow);
    this.layer.timers.arm(this, 64 * this.layer.config.t1);
  }

  private transmitQuietly(text: string): void {
    const { socket, address, port, serverName } = this.target;
    this.layer.counters.requestsSent.value++;
    socket.send(text, address, port, undefined, this.flow, serverName);
  }
}

/** Non-INVITE client transaction: RFC 3261 section 17.1.2. */
export class NonInviteClient extends ClientTransaction {
  readonly invite = false;

  constructor(
    layer: ClientHost,
    branch: BranchId,
    request: string,
    target: ResolvedTarget,
    user: ClientUser,
    flow: Flow | undefined,
    /** Timer F in milliseconds. */
    private readonly timeoutMs: number,
  ) {
    super(layer, branch, request, target, user, flow);
  }

  start(): void {
    this.state = 'trying';
    this.deadline = this.layer.now() + this.timeoutMs;
    this.interval = this.layer.config.t1;
    const first = this.target.socket.reliable ? this.timeoutMs : Math.min(this.interval, this.timeoutMs);
    this.layer.timers.arm(this, first);
    this.transmit(this.request);
  }

  receive(reply: SipMessage): void {
    if (this.state !== 'trying' && this.state !== 'proceeding') return;
    if (reply.status < 200) {
      this.state = 'proceeding';
      if (!this.failed) this.user.onReply(this, reply);
      return;
    }
    this.state = 'completed';
    this.request = '';
    // Timer K
    if (this.target.socket.reliable) this.terminate();
    else {
      this.layer.timers.cancel(this);
      this.layer.retireClient(this, Kind.settled, undefined);
    }
    const { user } = this;
    this.user = NOBODY;
    if (!this.failed) user.onReply(this, reply);
  }

  /** Stops waiting; no callback follows. */
  abandon(): void {
    this.failed = true;
    this.terminate();
  }

  onTimer(): void {
    const left = this.deadline - this.layer.now();
    if (left <= 0 || this.target.socket.reliable) {
      this.fail('timeout', 'timeout', 'no final reply');
      return;
    }
    // Timer E: doubles up to T2; T2 throughout once a provisional reply has come.
    this.transmit(this.request);
    this.interval =
      this.state === 'proceeding' ? this.layer.config.t2 : Math.min(this.interval * 2, this.layer.config.t2);
    this.layer.timers.arm(this, Math.min(this.interval, left));
  }

  protected afterFailure(): void {
    this.terminate();
  }
}
