import type { RelayWatch } from '../proxy/observer.js';
import type { SipMessage } from '../sip/message.js';
import { type TaggedRequest, tagKey } from './tag-key.js';

/** What is read of a request inside a dialog. */
export type RequestInDialog = TaggedRequest & Pick<SipMessage, 'callIdA' | 'callIdB'>;

/** What a BYE reports to. */
export interface ByeKeeper {
  /** A BYE has ended the call it belongs to. */
  callEnded(bye: Bye): void;
  /** Writes that down. */
  hungUp(bye: Bye): void;
}

/**
 * A BYE under way. A call that is asked to authenticate its BYE goes on until it is sent again with credentials; any
 * other final reply, and none, ends it (RFC 3261 section 15.1.1).
 */
export class Bye implements RelayWatch {
  /** Of its Call-ID and the tag in From, once it has ended: the message is not kept for them. */
  callIdA = 0;
  callIdB = 0;
  tag = 0;

  constructor(
    private readonly keeper: ByeKeeper,
    private request: RequestInDialog | undefined,
    /** When it came, monotonic milliseconds. */
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

  /** Writes down that it has ended its call. */
  writeDown(): void {
    this.keeper.hungUp(this);
  }

  sent(): void {}
  provisional(): void {}
  failed(): void {}
  passedOver(): void {}
  cancelled(): void {}
}
