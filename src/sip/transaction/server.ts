import { defaultPort } from '../../core/uri.js';
import type { SipMessage } from '../message.js';
import { buildReply, reasonPhrase, type ViaMarking } from '../reply.js';
import { TICK_MS, type TimerWheel, WheelTimer } from '../timers.js';
import type { Source } from '../transport/transport.js';
import type { TransactionConfig } from './config.js';
import { Kind } from './remnants.js';
import type { TableEntry } from './table.js';

/** States of server transactions (RFC 3261 section 17.2, RFC 6026). */
export type ServerState = 'trying' | 'proceeding' | 'completed' | 'accepted' | 'confirmed' | 'terminated';

/** The functions of the transaction layer that a server transaction calls. */
export interface ServerHost {
  readonly config: TransactionConfig;
  readonly timers: TimerWheel;
  /** Whether memory or processor time is short: then records of ended transactions are removed early. */
  readonly tight: boolean;
  /** Milliseconds after which a request other than INVITE gets a 100 (RFC 4320 section 4.1). */
  readonly slowMs: number;
  /** Number of server transactions without a final reply. */
  unanswered: number;
  /** Monotonic milliseconds. */
  now(): number;
  /** The To tag of our own replies to a request. */
  localTag(request: SipMessage): string;
  readonly stateless: {
    /** Sends a reply to the sender of a request. */
    sendBack(text: string, source: Source, replyTo: number, sentByPort: number): void;
  };
  /** Sets the bytes of messages that a transaction keeps; they count to the share of `source`. */
  weigh(server: ServerTransaction, bytes: number, source: Source): void;
  /** Replaces an ended transaction by a record that answers or absorbs retransmissions. */
  retireServer(server: ServerTransaction, kind: Kind, text: string): void;
  removeServer(server: ServerTransaction): void;
}

/**
 * The common part of both server transactions: where replies go, the last reply, and the links of the layer's table.
 */
export abstract class ServerTransaction extends WheelTimer implements TableEntry<ServerTransaction> {
  nextInTable: ServerTransaction | undefined = undefined;
  abstract readonly invite: boolean;
  state: ServerState = 'trying';
  /** The request; undefined after the final reply. */
  request: SipMessage | undefined = undefined;
  /** The object of the proxy that handles the request and receives its CANCEL; undefined after the final reply. */
  owner: object | undefined = undefined;
  /** The last reply, for retransmissions. */
  protected last = '';
  /** @internal What it counts in addition to 1, because of the size of its messages. */
  surplus = 0;
  /** How our own replies write received and rport into the Via. */
  marking: ViaMarking = 'asked';
  replyPort: number;
  readonly sentByPort: number;

  constructor(
    protected readonly layer: ServerHost,
    readonly keyA: number,
    readonly keyB: number,
    request: SipMessage,
    readonly source: Source,
  ) {
    super();
    this.request = request;
    this.replyPort = replyPort(request, source);
    this.sentByPort = request.via?.port || defaultPort(source.socket.transport);
  }

  /** @internal Starts the timer for a 100. */
  start(): void {}

  /** Sends a reply. A final one completes the transaction; later ones are not sent. */
  abstract reply(text: string, status: number): void;
  /** Handles a retransmission of the request. */
  abstract retransmitted(): void;
  /** Ends without a final reply: retransmissions of the request are absorbed for 64*T1. */
  abstract fallSilent(): void;

  /** Whether no final reply has been given yet. */
  get pending(): boolean {
    return this.state === 'trying' || this.state === 'proceeding';
  }

  /** Builds and sends a reply of our own. `headers` are complete lines. */
  replyWith(code: number, reason: string, headers = '', body = ''): void {
    const request = this.request;
    if (request === undefined) return;
    const tag = code > 100 ? this.layer.localTag(request) : '';
    this.reply(buildReply(request, this.source, code, reason, tag, headers, body, this.marking), code);
  }

  /** Sends text to the sender of the request in any state, as a late 2xx requires (RFC 3261 section 16.7). */
  send(text: string): void {
    this.layer.stateless.sendBack(text, this.source, this.replyPort, this.sentByPort);
  }

  /** The request's connection was reset: the last reply may be lost, so it is sent again to the address in the Via. */
  connectionBroken(): void {
    if (this.last !== '') this.send(this.last);
  }

  /** Ends without a reply, for a request that will never get one. */
  abandon(): void {
    if (this.request === undefined) return;
    this.layer.unanswered--;
    this.terminate();
  }

  /** Counts the request as answered and releases it. */
  protected answered(): void {
    this.layer.unanswered--;
    this.request = undefined;
    this.owner = undefined;
  }

  protected terminate(): void {
    this.state = 'terminated';
    this.layer.timers.cancel(this);
    this.layer.removeServer(this);
    this.last = '';
    this.request = undefined;
    this.owner = undefined;
  }
}

/** RFC 3261 section 18.2.2 and RFC 3581 section 4: the source port with rport, else the port of sent-by. */
export function replyPort(request: SipMessage, source: Source): number {
  const via = request.via;
  if (via === undefined || via.rport || source.flow !== undefined) return source.port;
  return via.port === 0 ? 5060 : via.port;
}

/** Milliseconds by which a timer may fire late (`TimerWheel`). */
const LATE_MS = 2 * TICK_MS;

/** INVITE server transaction: RFC 3261 section 17.2.1 with the accepted state of RFC 6026 section 7.1. */
export class InviteServer extends ServerTransaction {
  readonly invite = true;
  private interval = 0;
  private deadline = 0;

  /**
   * Sends a 100 unless another reply goes out within `ms` milliseconds, at most 200 (RFC 3261 section 17.2.1). Most
   * calls ring earlier and need no 100.
   */
  tryWithin(ms: number): void {
    // The timer may be running already, since before the request was routed.
    if (this.state !== 'trying' || this.wheelDue >= 0) return;
    const wait = ms - LATE_MS;
    if (wait > 0) this.layer.timers.arm(this, wait);
    else this.trying();
  }

  private trying(): void {
    this.replyWith(100, 'Giving it a try');
  }

  reply(text: string, status: number): void {
    switch (this.state) {
      case 'trying':
      case 'proceeding':
        // Cancels a pending 100.
        this.layer.timers.cancel(this);
        this.state = 'proceeding';
        this.send(text);
        if (status < 200) {
          this.last = text;
          return;
        }
        this.answered();
        if (status < 300) {
          // Timer L: further 2xx of the callee are forwarded, and retransmissions of the request are absorbed.
          this.last = '';
          this.state = 'accepted';
          this.layer.retireServer(this, Kind.accepted, '');
          return;
        }
        // Timer G retransmits over unreliable transports; timer H ends the wait for the ACK.
        this.last = text;
        this.layer.weigh(this, text.length, this.source);
        this.state = 'completed';
        this.deadline = this.layer.now() + 64 * this.layer.config.t1;
        this.interval = this.layer.config.t1;
        this.layer.timers.arm(this, this.source.socket.reliable ? 64 * this.layer.config.t1 : this.interval);
        return;
      case 'accepted':
        if (status >= 200 && status < 300) this.send(text);
        return;
    }
  }

  retransmitted(): void {
    if ((this.state === 'proceeding' || this.state === 'completed') && this.last !== '') this.send(this.last);
    // A retransmission while the 100 is pending: sends it now.
    else if (this.state === 'trying' && this.wheelDue >= 0) this.trying();
  }

  fallSilent(): void {
    if (!this.pending) return;
    this.answered();
    this.last = '';
    this.state = 'accepted';
    this.layer.retireServer(this, Kind.accepted, '');
  }

  /** Handles the ACK for a final reply other than 2xx. */
  acknowledged(): void {
    if (this.state !== 'completed') return;
    this.state = 'confirmed';
    this.last = '';
    // Timer I: absorbs repeated ACKs.
    if (this.source.socket.reliable) this.terminate();
    else this.layer.retireServer(this, Kind.confirmed, '');
  }

  onTimer(): void {
    if (this.state === 'trying') {
      this.trying();
      return;
    }
    // When memory is short, a failure reply is not retransmitted: a sender that missed it retransmits the request.
    const waits = this.state === 'completed' && !this.source.socket.reliable && !this.layer.tight;
    if (waits && this.layer.now() < this.deadline) {
      this.send(this.last);
      this.interval = Math.min(this.interval * 2, this.layer.config.t2);
      this.layer.timers.arm(this, Math.min(this.interval, Math.max(0, this.deadline - this.layer.now())));
      return;
    }
    this.terminate();
  }
}

/** Non-INVITE server transaction: RFC 3261 section 17.2.2, with the 100 of RFC 4320 section 4.1. */
export class NonInviteServer extends ServerTransaction {
  readonly invite = false;

  override start(): void {
    this.layer.timers.arm(this, this.layer.slowMs);
  }

  reply(text: string, status: number): void {
    if (this.state !== 'trying' && this.state !== 'proceeding') return;
    this.send(text);
    if (status < 200) {
      this.last = text;
      this.state = 'proceeding';
      return;
    }
    this.state = 'completed';
    this.answered();
    this.last = '';
    if (this.source.socket.reliable) this.terminate();
    // Timer J
    else this.layer.retireServer(this, Kind.answered, text);
  }

  retransmitted(): void {
    if (this.last !== '') this.send(this.last);
  }

  fallSilent(): void {
    if (!this.pending) return;
    this.state = 'completed';
    this.answered();
    this.last = '';
    this.layer.retireServer(this, Kind.answered, '');
  }

  onTimer(): void {
    if (this.state === 'trying') this.replyWith(100, reasonPhrase(100));
  }
}
