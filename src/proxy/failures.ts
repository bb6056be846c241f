import type { SipMessage } from '../sip/message.js';
import { withChallenges } from './forward.js';
import { failureRank } from './preference.js';

/**
 * The failures of one request so far, and the best of them: the reply to the caller if no hop accepts the call (RFC 3261
 * section 16.7 step 6). Made with the first failure; most requests have none.
 */
export class Failures {
  /** Code of the best one; 0 for none. */
  code = 0;
  /** A redirection, kept apart from failures: it takes precedence over them until it is followed. */
  redirection: SipMessage | undefined = undefined;
  private reply: SipMessage | undefined = undefined;
  /** Replies that ask for credentials. */
  private challenges: SipMessage[] | undefined = undefined;

  /**
   * Keeps the better of two failures: 6xx first, else the lowest class, and inside it one the caller can act upon; a real
   * reply before our own.
   */
  keep(code: number, reply: SipMessage | undefined): void {
    if (code < 400) {
      this.redirection ??= reply;
      return;
    }
    if (reply !== undefined && (code === 401 || code === 407)) this.challenges = [...(this.challenges ?? []), reply];
    const better =
      this.code === 0 ||
      this.code === 473 ||
      (this.code === 480 && this.reply === undefined) ||
      failureRank(code) < failureRank(this.code) ||
      (this.reply === undefined && reply !== undefined && failureRank(code) === failureRank(this.code));
    if (!better) return;
    this.code = code;
    this.reply = reply;
  }

  /** A failure after the caller gave up: it expects 487, whatever an earlier hop replied. */
  keepCancelled(code: number, reply: SipMessage | undefined): void {
    this.redirection = undefined;
    if (reply !== undefined && code !== 487) this.keep(code, reply);
    else if (this.code !== 487 || reply !== undefined) {
      this.reply = reply;
      this.code = 487;
    }
  }

  /** A hop that may not be sent to counts only where nothing else failed. */
  passedOver(code: number): void {
    if (this.code === 0) this.code = code;
  }

  /**
   * The reply that goes to the caller as it is; undefined: one of our own. A 503 of one server does not mean that this
   * proxy is unavailable, and the 408 of a non-INVITE request would arrive too late.
   */
  toPassOn(invite: boolean): SipMessage | undefined {
    const { code } = this;
    if (this.redirection !== undefined && code < 600) return this.redirection;
    if (code === 503 || (code === 408 && !invite)) return undefined;
    return code === 401 || code === 407 ? withChallenges(this.reply, this.challenges) : this.reply;
  }
}
