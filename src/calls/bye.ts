import type { RelayWatch } from '../proxy/observer.js';
import type { SipMessage } from '../sip/message.js';
import type { TaggedRequest } from './tag-key.js';

/** The fields read from a request inside a dialog. */
export type RequestInDialog = TaggedRequest & Pick<SipMessage, 'callIdA' | 'callIdB'>;

/** Receives what a BYE has done to its call. */
export interface ByeListener {
  /** The BYE got the final reply that ends its call: keeps the BYE until the end of the call is recorded. */
  keep(ended: Bye): void;
  /** Records that a BYE has ended the call; `at`: when the BYE came, in monotonic milliseconds. */
  hungUp(bye: RequestInDialog, at: number): void;
}

/**
 * Follows a BYE. Any final reply, or none, ends the call (RFC 3261 section 15.1.1), except a challenge: then the BYE is
 * sent again with credentials.
 */
export class Bye implements RelayWatch {
  /** Bytes of the request. */
  readonly bytes: number;
  private isEnded = false;

  constructor(
    private readonly keeper: ByeListener,
    private readonly request: RequestInDialog,
    /** When the BYE came, in monotonic milliseconds. */
    private readonly at: number,
  ) {
    this.bytes = request.text?.length ?? 0;
  }

  ended(code: number): void {
    if (this.isEnded || code === 401 || code === 407) return;
    this.isEnded = true;
    this.keeper.keep(this);
  }

  /** Records that this BYE has ended its call. */
  writeRecord(): void {
    this.keeper.hungUp(this.request, this.at);
  }

  sent(): void {}
  provisional(): void {}
  failed(): void {}
  hopSkipped(): void {}
  cancelled(): void {}
}
