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

/** What server transactions need of the layer they belong to. */
export interface ServerHost {
  readonly config: TransactionConfig;
  readonly timers: TimerWheel;
  /** Whether room, or time, is short: records of ended transactions are then dropped early. */
  readonly tight: boolean;
  /** Milliseconds until a 100 is due to a request that is not an INVITE (RFC 4320 section 4.1). */
  readonly slowMs: number;
  /** Server transactions that have no final reply yet. */
  unanswered: number;
  /** Monotonic milliseconds. */
  now(): number;
  /** The To tag of our own replies to a request. */
  localTag(request: SipMessage): string;
  readonly stateless: {
    /** Sends a reply to where a request came from. */
    sendBack(text: string, source: Source, replyTo: number, sentByPort: number): void;
  };
  /** Sets the number of message bytes that a transaction keeps from now on; they count toward the share of `source`. */
  weigh(server: ServerTransaction, bytes: number, source: Source): void;
  /** A transaction has ended: the record kept of it answers or absorbs copies of its request. */
  retireServer(server: ServerTransaction, kind: Kind, text: string): void;
  removeServer(server: ServerTransaction): void;
}

/** What both server transactions share: where replies go, the last reply, and the entry in the layer's table. */
export abstract class ServerTransaction extends WheelTimer implements TableEntry<ServerTransaction> {
  nextInTable: ServerTransaction | undefined = undefined;
  abstract readonly invite: boolean;
  state: ServerState = 'trying';
  /** The request; released when a final reply has been given. */
  request: SipMessage | undefined = undefined;
  /** The object that handles the request in the layer above: it receives a CANCEL. Released with the request. */
  owner: object | undefined = undefined;
  /** Last reply, for retransmissions. */
  protected last = '';
  /** @internal What it counts beyond one for the size of what it keeps. */
  surplus = 0;
  /** How replies of our own mark the Via of the request. */
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

  /** @internal Begins waiting. */
  start(): void {}

  /** Passes a reply upstream. A final one completes the transaction; later replies are not sent. */
  abstract reply(text: string, status: number): void;
  /** A retransmission of the request was received. */
  abstract retransmitted(): void;
  /** Ends without a final reply: copies of the request are absorbed without an answer for 64*T1. */
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

  /** Sends text back to where the request came from, whatever the state: a late 2xx needs this (RFC 3261 section 16.7). */
  send(text: string): void {
    this.layer.stateless.sendBack(text, this.source, this.replyPort, this.sentByPort);
  }

  /** The connection of the request was reset: the last reply may not have arrived, and goes where its Via says. */
  connectionBroken(): void {
    if (this.last !== '') this.send(this.last);
  }

  /** Forgets a request that will never get a final reply: nothing is sent. */
  abandon(): void {
    if (this.request === undefined) return;
    this.layer.unanswered--;
    this.terminate();
  }

  /** Its work is done. */
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

/** Milliseconds that a timer may fire late (`TimerWheel`). */
const LATE_MS = 2 * TICK_MS;

/** INVITE server transaction: RFC 3261 section 17.2.1 with the accepted state of RFC 6026 section 7.1. */
export class InviteServer extends ServerTransaction {
  readonly invite = true;
  private interval = 0;
  private deadline = 0;

  /**
   * Answers 100 unless another reply goes out within so many milliseconds, at most 200 (RFC 3261 section 17.2.1): most calls ring
   * before, and need none.
   */
  tryWithin(ms: number): void {
    // Where it waits already, since before the request was routed, it does not wait anew.
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
        // A 100 that waits is not needed any more.
        this.layer.timers.cancel(this);
        this.state = 'proceeding';
        this.send(text);
        if (status < 200) {
          this.last = text;
          return;
        }
        this.answered();
        if (status < 300) {
          // Timer L: 2xx retransmissions of the callee pass; request retransmissions are absorbed.
          this.last = '';
          this.state = 'accepted';
          this.layer.retireServer(this, Kind.accepted, '');
          return;
        }
        // Timer G retransmits over unreliable transports, Timer H gives up waiting for the ACK.
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
    // A 100 that waits is due now.
    else if (this.state === 'trying' && this.wheelDue >= 0) this.trying();
  }

  fallSilent(): void {
    if (!this.pending) return;
    this.answered();
    this.last = '';
    this.state = 'accepted';
    this.layer.retireServer(this, Kind.accepted, '');
  }

  /** The ACK for a non-2xx final reply. */
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
    // If room is short, an unacknowledged failure is sent only once: a sender that missed it retransmits the request.
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
