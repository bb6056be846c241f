import type { RelayWatch } from '../proxy/observer.js';
import type { SipMessage } from '../sip/message.js';
import { type TaggedRequest, tagKey } from './tag-key.js';

/** The fields read from a request inside a dialog. */
export type RequestInDialog = TaggedRequest & Pick<SipMessage, 'callIdA' | 'callIdB'>;

/** Receives what a BYE has done to its call. */
export interface ByeListener {
  /** The BYE got the final reply that ends its call. */
  callEnded(bye: Bye): void;
  /** Records that the call has ended. */
  hungUp(bye: Bye): void;
}

/**
 * Follows a BYE. Any final reply, or none, ends the call (RFC 3261 section 15.1.1), except a challenge: then the BYE is
 * sent again with credentials.
 */
export class Bye implements RelayWatch {
  /**
   * The two halves of the hash of its Call-ID, and the key of its From tag; copied when the BYE ends, so that the
   * message can be freed.
   */
  callIdA = 0;
  callIdB = 0;
  tag = 0;

  constructor(
    private readonly keeper: ByeListener,
    private request: RequestInDialog | undefined,
    /** When the BYE came, in monotonic milliseconds. */
    readonly at: number,
  ) {}

  ended(code: number): void {
    const { request } = this;
    if (request === undefined || code === 401 || code === 407) return;
    this.callIdA = request.callIdA;
    this.callIdB = request.callIdB;
    this.tag = tagKey(request);
    this.request = undefined;
    this.keeper.callEnded(this);
  }

  /** Records that this BYE has ended its call. */
  writeRecord(): void {
    this.keeper.hungUp(this);
  }

  sent(): void {}
  provisional(): void {}
  failed(): void {}
  hopSkipped(): void {}
  cancelled(): void {}
}
