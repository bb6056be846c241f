import type { SipMessage } from '../message.js';
import type { ResolvedTarget } from '../target.js';
import type { Flow } from '../transport/transport.js';
import type { BranchId } from './branch.js';
import { type ClientHost, ClientTransaction, type ClientUser, NOBODY } from './client.js';
import { Kind } from './remnants.js';

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
    /** Milliseconds until the first retransmission; with those of timer F there is none. */
    private readonly firstMs = layer.config.t1,
  ) {
    super(layer, branch, request, target, user, flow);
  }

  start(): void {
    this.state = 'trying';
    this.deadline = this.layer.now() + this.timeoutMs;
    this.interval = this.firstMs;
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

  /** Ends the wait; no callback is called any more. */
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
    // Timer E doubles up to T2; after a provisional reply it is always T2.
    this.transmit(this.request);
    this.interval =
      this.state === 'proceeding' ? this.layer.config.t2 : Math.min(this.interval * 2, this.layer.config.t2);
    this.layer.timers.arm(this, Math.min(this.interval, left));
  }

  protected afterFailure(): void {
    this.terminate();
  }
}
